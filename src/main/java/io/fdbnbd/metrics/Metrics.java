package io.fdbnbd.metrics;

import io.fdbnbd.util.Ticker;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.SequencedMap;
import java.util.concurrent.locks.ReentrantLock;

/** The meters of all volumes of this process. Any thread; the lock is held while a volume is opened or closed only. */
public final class Metrics {

    /** Closed volumes whose last values nobody has taken yet; of more, those that were closed first are forgotten. */
    static final int CLOSED_MAX = 64;

    private final Ticker ticker;
    private final ReentrantLock lock = new ReentrantLock();

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
            VolumeMeter meter = known == null ? new VolumeMeter(volume, ticker, () -> close(volume)) : known;
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

    /** Hands over what came since the last call, volume by volume. One thread at a time. */
    void takeIntervals(VolumeMeter.Intervals taker) {
        List<VolumeMeter> meters;
        lock.lock();
        try {
            meters = new ArrayList<>(open.values());
            meters.addAll(closed.values());
            closed.clear();
        } finally {
            lock.unlock();
        }
        meters.forEach(meter -> meter.takeIntervals(taker));
    }
}
