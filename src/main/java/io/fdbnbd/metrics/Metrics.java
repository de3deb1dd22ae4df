package io.fdbnbd.metrics;

import io.fdbnbd.util.Ticker;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.SequencedMap;
import java.util.Set;
import java.util.concurrent.locks.ReentrantLock;
import org.HdrHistogram.Histogram;

/**
 * The meters of all volumes of this process. They are on while there is a reader, and off, at the cost of one look, while
 * there is none.
 *
 * <p>Any thread. Locks, in order: {@code taking}, held while intervals are handed out, which makes nobody wait who
 * records; {@code lock}, held while a volume is opened or closed.
 */
public final class Metrics {

    /** Closed volumes whose last values nobody has taken yet; of more, those that were closed first are forgotten. */
    static final int CLOSED_MAX = 64;

    private final Ticker ticker;
    private final ReentrantLock taking = new ReentrantLock();
    private final ReentrantLock lock = new ReentrantLock();

    // Guarded by taking.
    private final List<IntervalReader> readers = new ArrayList<>();

    // Written under taking, read without: whether there are readers.
    private volatile boolean on;

    // Guarded by lock; the closed in the order of their closing.
    private final Map<String, VolumeMeter> open = new LinkedHashMap<>();
    private final SequencedMap<String, VolumeMeter> closed = new LinkedHashMap<>();

    /** @param ticker what times are measured by */
    public Metrics(Ticker ticker) {
        this.ticker = ticker;
    }

    /** The meter of a volume that is being opened, to be closed with it. */
    public Meter open(String volume) {
        lock.lock();
        try {
            VolumeMeter known = closed.remove(volume);
            VolumeMeter meter = known == null ? new VolumeMeter(volume, ticker, () -> on, () -> close(volume)) : known;
            open.put(volume, meter);
            return meter;
        } finally {
            lock.unlock();
        }
    }

    private void close(String volume) {
        lock.lock();
        try {
            VolumeMeter meter = open.remove(volume);
            if (meter != null) {
                closed.put(volume, meter);
            }
            if (closed.size() > CLOSED_MAX) {
                closed.pollFirstEntry();
            }
        } finally {
            lock.unlock();
        }
    }

    /** What begins now gets each value that comes from now on. */
    public IntervalReader reader() {
        taking.lock();
        try {
            // What came before is not its.
            distribute();
            IntervalReader reader = new IntervalReader(this);
            readers.add(reader);
            on = true;
            return reader;
        } finally {
            taking.unlock();
        }
    }

    void remove(IntervalReader reader) {
        taking.lock();
        try {
            readers.remove(reader);
            on = !readers.isEmpty();
        } finally {
            taking.unlock();
        }
    }

    /** What a reader has not been given yet, by volume. */
    Map<String, Map<Measure, Histogram>> takeFor(IntervalReader reader) {
        taking.lock();
        try {
            distribute();
            return reader.swap();
        } finally {
            taking.unlock();
        }
    }

    /** A recorder is emptied when it is read: so whoever reads gives all readers their part. Under the lock. */
    private void distribute() {
        List<VolumeMeter> meters;
        Set<String> present;
        lock.lock();
        try {
            meters = new ArrayList<>(open.values());
            meters.addAll(closed.values());
            closed.clear();
            present = Set.copyOf(open.keySet());
        } finally {
            lock.unlock();
        }
        meters.forEach(meter -> meter.takeIntervals(
                (volume, measure, histogram) -> readers.forEach(reader -> reader.add(volume, measure, histogram))));
        readers.forEach(reader -> reader.forgetClosed(present));
    }
}
