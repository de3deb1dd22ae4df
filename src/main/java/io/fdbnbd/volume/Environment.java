package io.fdbnbd.volume;

import io.fdbnbd.util.Threads;
import io.fdbnbd.util.Ticker;
import java.util.function.Supplier;

/**
 * What the volumes of a process take from the machine: time, pauses and threads. Given to them, so that a test, or a
 * simulation that holds all of these in its hand, can give others.
 *
 * @param attempts gives every volume the pauses between its attempts
 * @param beats gives every heartbeat its pauses
 * @param pause how a takeover waits, and how a committer lets others run
 * @param committers starts committers
 */
record Environment(
        Ticker ticker, Supplier<Backoff> attempts, Supplier<Backoff> beats, Takeover.Pause pause, Starter committers) {

    /** Starts a named thread, a virtual one if it may be one. */
    interface Starter {
        Thread start(String name, boolean virtual, Runnable work);
    }

    static Environment real(Ticker ticker) {
        return new Environment(
                ticker,
                () -> Backoff.exponential(5, 1000),
                () -> Backoff.steady(Heartbeat.INTERVAL),
                Takeover.Pause.REAL,
                (name, virtual, work) ->
                        virtual ? Threads.startVirtual(name, work) : Threads.startPlatform(name, work));
    }

    Environment withAttempts(Supplier<Backoff> value) {
        return new Environment(ticker, value, beats, pause, committers);
    }
}
