package io.fdbnbd.volume;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

class ClearRangesTest {

    private final FlushEpochs epochs = new FlushEpochs();
    private final ClearRanges ranges = new ClearRanges();

    private DirtyClear add(long first, long end) {
        DirtyClear clear = new DirtyClear(first, end, epochs.enter());
        ranges.add(clear);
        return clear;
    }

    @Test
    void aRangeContainsItsBlocks() {
        DirtyClear clear = add(10, 20);
        assertFalse(ranges.contains(9));
        assertTrue(ranges.contains(10));
        assertTrue(ranges.contains(19));
        assertFalse(ranges.contains(20));
        assertSame(clear, ranges.pendingAt(15));
        assertNull(ranges.pendingAt(20));
    }

    @Test
    void whatTouchesOrOverlapsIsTakenOut() {
        DirtyClear before = add(0, 9);
        DirtyClear touchingBelow = add(10, 20);
        DirtyClear inside = add(22, 25);
        DirtyClear touchingAbove = add(30, 40);
        DirtyClear after = add(41, 50);
        assertEquals(List.of(touchingAbove, inside, touchingBelow), ranges.removeTouching(20, 30));
        assertFalse(ranges.contains(22));
        assertSame(before, ranges.pendingAt(8));
        assertSame(after, ranges.pendingAt(41));
    }

    @Test
    void aLaunchedRangeIsSeenUntilItLands() {
        DirtyClear clear = add(10, 20);
        assertEquals(List.of(clear), ranges.launch(5));
        assertEquals(DirtyEntry.State.FLYING, clear.state());
        assertTrue(ranges.contains(15));
        assertNull(ranges.pendingAt(15));
        assertTrue(ranges.isFlyingExcept(15, List.of()));
        assertFalse(ranges.isFlyingExcept(15, List.of(clear)));
        assertFalse(ranges.isFlyingExcept(20, List.of()));
        assertEquals(List.of(), ranges.removeTouching(0, 100), "what flies is not merged");
        ranges.land(clear);
        assertTrue(ranges.isEmpty());
    }

    @Test
    void aRangeWaitsForAnotherInFlightThatItOverlaps() {
        DirtyClear first = add(10, 20);
        ranges.launch(5);
        DirtyClear overlapping = add(19, 30);
        DirtyClear apart = add(40, 50);
        assertEquals(List.of(apart), ranges.launch(5));
        ranges.land(first);
        assertEquals(List.of(overlapping), ranges.launch(5));
    }

    @Test
    void aRangeWaitsForBlocksInFlight() {
        DirtyClear clear = add(10, 20);
        clear.addShadowedBlocks(2);
        assertEquals(List.of(), ranges.launch(5));
        clear.addShadowedBlocks(-1);
        assertEquals(List.of(), ranges.launch(5));
        clear.addShadowedBlocks(-1);
        assertEquals(List.of(clear), ranges.launch(5));
    }

    @Test
    void noMoreAreLaunchedThanAsked() {
        for (int i = 0; i < 10; i++) {
            add(i * 10L, i * 10L + 5);
        }
        assertEquals(4, ranges.launch(4).size());
        assertEquals(6, ranges.launch(100).size());
        List<DirtyClear> all = new ArrayList<>();
        ranges.forEach(all::add);
        assertEquals(10, all.size());
    }

    @Test
    void aClearAnswersForWhatItSuperseded() {
        DirtyClear old = new DirtyClear(0, 10, epochs.enter());
        old.addShadowedBlocks(3);
        FlushEpochs.Epoch flush = epochs.close();
        DirtyBlock block = DirtyBlock.whole(5, new byte[BlockCodec.HEADER_BYTES + 512], epochs.enter());
        DirtyClear merged = new DirtyClear(0, 20, epochs.enter());
        CommitTicket ticket = new CommitTicket(failure -> {});
        block.attach(ticket);
        old.attach(ticket);
        merged.supersede(block, epochs);
        merged.supersede(old, epochs);
        assertEquals(3, merged.entries());
        assertEquals(3, merged.shadowedBlocks());
        assertEquals(2, merged.tickets().size());
        assertEquals(List.of(), old.tickets());
        assertEquals(DirtyEntry.State.SUPERSEDED, block.state());
        assertFalse(flush.isOver());
        assertTrue(epochs.leave(merged.epoch()));
        assertTrue(flush.isOver());
    }
}
