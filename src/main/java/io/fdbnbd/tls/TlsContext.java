package io.fdbnbd.tls;

import java.io.IOException;
import java.nio.channels.SocketChannel;
import java.time.InstantSource;
import java.util.concurrent.Semaphore;
import java.util.concurrent.locks.ReentrantLock;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLEngine;
import org.tinylog.Logger;

/**
 * Makes channels secure, with the newest certificate that works: files that were replaced are read at the next
 * handshake. If they cannot be used the old ones stay, and the log says so once for every change of the files.
 *
 * <p>Any thread. {@code lock} is held while files are read; who finds it taken goes on with what there is.
 */
public final class TlsContext {
    /** 1.2 is what the NBD specification asks for at least, and all that some clients have. */
    private static final String[] PROTOCOLS = {"TLSv1.3", "TLSv1.2"};

    static {
        // A client that begins anew inside of its connection would be somebody else, or a load on this machine.
        System.setProperty("jdk.tls.rejectClientInitiatedRenegotiation", "true");
    }

    private final TlsFiles files;
    private final InstantSource clock;
    private final ReentrantLock lock = new ReentrantLock();

    /** In the order of coming; half of the processors stay for who is being served. */
    private final Semaphore tasks =
            new Semaphore(Math.max(1, Runtime.getRuntime().availableProcessors() / 2), true);

    private volatile Identity identity;

    /** Of the files that were read last, whether they worked or not. Guarded by {@code lock}. */
    private Object mark;

    private TlsContext(TlsFiles files, InstantSource clock) throws IOException {
        this.files = files;
        this.clock = clock;
        this.mark = files.mark();
        this.identity = Identity.read(files, clock.instant());
    }

    /**
     * Reads the files.
     *
     * @param clock for the validity of certificates
     * @throws IOException if nobody could be served with these files; the message says why, for the user
     */
    public static TlsContext open(TlsFiles files, InstantSource clock) throws IOException {
        return new TlsContext(files, clock);
    }

    /** Whether clients have to show a certificate. */
    public boolean asksForCertificates() {
        return files.authorities() != null;
    }

    /** Puts TLS over a connected socket, which stays the caller's to close. Nothing is sent or received yet. */
    public SecureChannel secure(SocketChannel socket) {
        refresh();
        return new SecureChannel(socket, identity.context(), this::engine, tasks);
    }

    /** For whom may compute for handshakes; for tests. */
    Semaphore tasks() {
        return tasks;
    }

    private SSLEngine engine(SSLContext context) {
        SSLEngine engine = context.createSSLEngine();
        engine.setUseClientMode(false);
        engine.setEnabledProtocols(PROTOCOLS);
        engine.setNeedClientAuth(asksForCertificates());
        return engine;
    }

    private void refresh() {
        if (!lock.tryLock()) {
            return;
        }
        try {
            Object now = files.mark();
            if (now.equals(mark)) {
                return;
            }
            mark = now; // before the reading: what is written meanwhile is seen the next time
            identity = Identity.read(files, clock.instant());
            Logger.info("TLS goes on with the new files: {}", files.certificate());
        } catch (IOException e) {
            Logger.warn("TLS goes on with the old certificate, for the new files cannot be used: {}", e.getMessage());
        } finally {
            lock.unlock();
        }
    }
}
