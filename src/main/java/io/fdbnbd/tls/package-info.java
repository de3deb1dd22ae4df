/**
 * TLS: certificates and keys out of files, and the channel that encrypts. Knows nothing of NBD.
 *
 * <p>A {@link io.fdbnbd.tls.TlsContext} is what a server is given; a {@link io.fdbnbd.tls.SecureChannel} is what a
 * connection talks through. No secret leaves this package: no message, no log line and no {@code toString} has one.
 */
@NullMarked
package io.fdbnbd.tls;

import org.jspecify.annotations.NullMarked;
