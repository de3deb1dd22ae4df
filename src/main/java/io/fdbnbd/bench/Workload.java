package io.fdbnbd.bench;

import io.fdbnbd.nbd.Nbd;
import java.util.SplittableRandom;

/** The requests of one connection, one after the other. Not safe for several threads. */
final class Workload {
    private final BenchPlan plan;
    private final SplittableRandom random;

    /** The part of the export that is this connection's, in blocks; at random all of it is everybody's. */
    private final long firstBlock;

    private final long blocks;

    private long position;
    private int writesSinceFlush;
    private int command;
    private long offset;

    Workload(BenchPlan plan, long exportBytes, int lane) {
        this.plan = plan;
        this.random = new SplittableRandom(plan.seed() + lane);
        long all = exportBytes / plan.blockBytes();
        this.blocks = plan.pattern().isRandom() ? all : all / plan.connections();
        this.firstBlock = plan.pattern().isRandom() ? 0 : blocks * lane;
    }

    /** Goes on to the next request. */
    void advance() {
        if (plan.flushEvery() > 0 && writesSinceFlush == plan.flushEvery()) {
            writesSinceFlush = 0;
            command = Nbd.CMD_FLUSH;
            offset = 0;
            return;
        }
        command = isRead() ? Nbd.CMD_READ : Nbd.CMD_WRITE;
        if (command == Nbd.CMD_WRITE) {
            writesSinceFlush++;
        }
        long block;
        if (plan.pattern().isRandom()) {
            block = random.nextLong(blocks);
        } else {
            block = position;
            position = (position + 1) % blocks;
        }
        offset = (firstBlock + block) * plan.blockBytes();
    }

    private boolean isRead() {
        return plan.pattern() == Pattern.MIXED
                ? random.nextInt(100) < plan.readPercent()
                : plan.pattern().reads();
    }

    int command() {
        return command;
    }

    long offset() {
        return offset;
    }

    int length() {
        return command == Nbd.CMD_FLUSH ? 0 : plan.blockBytes();
    }

    int flags() {
        return plan.fua() && command == Nbd.CMD_WRITE ? Nbd.CMD_FLAG_FUA : 0;
    }
}
