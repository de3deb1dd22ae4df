package io.fdbnbd.volume;

import java.net.InetAddress;
import java.net.UnknownHostException;

/** This process, as people look for it. */
final class Holder {

    private Holder() {}

    static String thisProcess() {
        return "the fdb-nbd server with process id " + ProcessHandle.current().pid() + " on " + hostName();
    }

    private static String hostName() {
        try {
            return InetAddress.getLocalHost().getHostName();
        } catch (UnknownHostException e) {
            // A machine without a name for itself: the process id still says something.
            return "a host without a name";
        }
    }
}
