package io.fdbnbd.server;

import io.fdbnbd.nbd.Request;

/** How a client has been reading lately, as a guess at how it goes on. Belongs to the connection's reader. */
final class ReadPattern {

    /** READs in a row that had no other request beside them, after which the next is taken for another such. */
    private static final int LONELY_MIN = 32;

    /** Of those, READs that each began where the one before ended, after which it pays to read ahead. */
    private static final int IN_ORDER_MIN = 3;

    private int lonely;
    private int inOrder;
    private long end;

    /** @param isLonely whether no other request of this client is under way */
    void note(Request request, boolean isLonely) {
        lonely = isLonely ? Math.min(lonely + 1, LONELY_MIN) : 0;
        inOrder = isLonely && request.offset() == end ? Math.min(inOrder + 1, IN_ORDER_MIN) : 0;
        end = request.offset() + request.length();
    }

    /** Whether the client has one request at a time. */
    boolean isOneByOne() {
        return lonely == LONELY_MIN;
    }

    /** Whether the client reads one piece after the other, and waits for each. */
    boolean isInOrder() {
        return inOrder == IN_ORDER_MIN;
    }
}
