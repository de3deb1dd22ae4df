/**
 * The program as its users meet it: a server in a process of its own, and real clients. What is not installed here is
 * skipped, with a line that says so.
 */
@NullMarked
package io.fdbnbd.endtoend;

import org.jspecify.annotations.NullMarked;
