package io.fdbnbd.util;

import java.util.ArrayDeque;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Arrays that nobody uses, for whoever needs one of the same length next. The one given last is taken first, for it is
 * still in the processor's cache: a new array would have to be zeroed, in memory that is not, and one that lived for long
 * is costly garbage. Not thread-safe.
 */
public final class SpareArrays {

    private final long bytesMax;
    /** The length that has been here for longest first; none is empty. */
    private final Map<Integer, ArrayDeque<byte[]>> byLength = new LinkedHashMap<>();

    private long bytes;

    /** @param bytesMax of all arrays that are kept */
    public SpareArrays(long bytesMax) {
        this.bytesMax = bytesMax;
    }

    /** An array with any content, or null. */
    public byte @Nullable [] take(int length) {
        ArrayDeque<byte[]> fitting = byLength.get(length);
        if (fitting == null) {
            return null;
        }
        byte[] array = fitting.pop();
        bytes -= length;
        if (fitting.isEmpty()) {
            byLength.remove(length);
        }
        return array;
    }

    /** Takes an array that nobody else knows any more. Those of other lengths, which may not be needed again, make room. */
    public void give(byte[] array) {
        if (array.length <= bytesMax && (bytes + array.length <= bytesMax || dropOthers(array.length))) {
            byLength.computeIfAbsent(array.length, unused -> new ArrayDeque<>()).push(array);
            bytes += array.length;
        }
    }

    private boolean dropOthers(int length) {
        Iterator<Map.Entry<Integer, ArrayDeque<byte[]>>> others =
                byLength.entrySet().iterator();
        while (others.hasNext() && bytes + length > bytesMax) {
            Map.Entry<Integer, ArrayDeque<byte[]>> other = others.next();
            if (other.getKey() != length) {
                bytes -= (long) other.getKey() * other.getValue().size();
                others.remove();
            }
        }
        return bytes + length <= bytesMax;
    }
}
