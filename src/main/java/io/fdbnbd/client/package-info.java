/**
 * The client's side of NBD: addresses, and the handshake up to transmission. Works with any server of the fixed newstyle
 * protocol; what requests and replies are made of is in {@link io.fdbnbd.nbd.Nbd}.
 */
@NullMarked
package io.fdbnbd.client;

import org.jspecify.annotations.NullMarked;
