/**
 * The composition root: picocli commands that build the parts and wire them together. It may import every other
 * package; no package may import it.
 */
@NullMarked
package io.fdbnbd.cli;

import org.jspecify.annotations.NullMarked;
