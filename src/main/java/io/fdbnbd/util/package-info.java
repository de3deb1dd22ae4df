/**
 * What every package needs and the JDK lacks: always-on checks, the clock seam, closing in reverse order, named
 * threads, sizes for people. It imports nothing of this project.
 */
@NullMarked
package io.fdbnbd.util;

import org.jspecify.annotations.NullMarked;
