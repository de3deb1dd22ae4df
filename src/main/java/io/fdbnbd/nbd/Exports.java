package io.fdbnbd.nbd;

import java.util.List;

/** What there is to be had, as a {@link Handshake} asks for it. The empty name means the default export. */
public interface Exports {

    /** Says what {@link #attach} would attach, without attaching. */
    Export find(String name) throws ExportRefusedException;

    /**
     * Attaches the connection; called once at most. Whoever implements this keeps what it attached and gives it back
     * when the connection ends, however the handshake ends.
     */
    Export attach(String name) throws ExportRefusedException;

    /** All names, for LIST. */
    List<String> names() throws ExportRefusedException;
}
