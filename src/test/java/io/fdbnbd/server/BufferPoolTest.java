package io.fdbnbd.server;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

class BufferPoolTest {
    private static final long POOL_BYTES = 16 << 20;
    private final BufferPool pool = BufferPool.shared(POOL_BYTES);

    @Test
    void aBufferHoldsAReplyOfItsSizeWithTheHeader() {
        for (int size : new int[] {4096, BufferPool.SHARE_BYTES, BufferPool.GULP_BYTES, BufferPool.READ_CHUNK_BYTES}) {
            ByteBuffer buffer = pool.tryTake(size + 16);
            assertNotNull(buffer);
            assertTrue(buffer.isDirect());
            assertTrue(buffer.remaining() >= size + 16);
            assertTrue(buffer.remaining() <= size + BufferPool.HEADER_ROOM_BYTES, "not a larger one");
            pool.give(buffer);
        }
    }

    @Test
    void noMoreIsEverAllocatedThanPromised() {
        long sum = 0;
        for (int size : new int[] {1, BufferPool.SHARE_BYTES, BufferPool.GULP_BYTES, BufferPool.READ_CHUNK_BYTES}) {
            for (ByteBuffer buffer = pool.tryTake(size); buffer != null; buffer = pool.tryTake(size)) {
                sum += buffer.capacity();
            }
        }
        assertTrue(sum > POOL_BYTES / 2 && sum <= POOL_BYTES, sum + " bytes");
        assertEquals(4, pool.refusals());
    }

    @Test
    void smallRequestsDoNotTakeTheLargestBuffers() {
        List<ByteBuffer> taken = new ArrayList<>();
        for (ByteBuffer buffer = pool.tryTake(1); buffer != null; buffer = pool.tryTake(1)) {
            taken.add(buffer);
        }
        assertNotNull(pool.tryTake(BufferPool.GULP_BYTES));
        assertNotNull(pool.tryTake(BufferPool.READ_CHUNK_BYTES));
        assertNull(pool.tryTake(1));
        taken.forEach(pool::give);
        assertEquals(2, pool.taken());
    }

    @Test
    void whatIsGivenBackIsUsedAgainEmpty() {
        BufferPool one = BufferPool.shares(1);
        ByteBuffer buffer = one.tryTake(1);
        assertNotNull(buffer);
        assertNull(one.tryTake(1));
        one.give(buffer.limit(10).position(5));
        ByteBuffer again = one.tryTake(1);
        assertNotNull(again);
        assertSame(buffer, again);
        assertEquals(again.capacity(), again.remaining());
    }

    @Test
    void aBufferFromElsewhereIsABug() {
        assertThrows(IllegalStateException.class, () -> pool.give(ByteBuffer.allocate(100)));
    }
}
