package io.fdbnbd.cli;

import io.fdbnbd.store.Store;
import io.fdbnbd.store.StoreException;
import io.fdbnbd.store.memory.MemoryStore;
import io.fdbnbd.util.Ticker;
import io.fdbnbd.util.UnixSockets;
import io.fdbnbd.volume.AckMode;
import io.fdbnbd.volume.VolumeOptions;
import io.fdbnbd.volume.Volumes;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import java.util.function.Supplier;
import picocli.CommandLine.ParameterException;

/** Through the server that has the store, if one has; else by opening the store here. */
final class StoreReach implements Reach {
    private final Supplier<StoreAddress> store;
    private final Surroundings surroundings;

    /** @param store is asked when a command runs, after its options have been read */
    StoreReach(Supplier<StoreAddress> store, Surroundings surroundings) {
        this.store = store;
        this.surroundings = surroundings;
    }

    @Override
    public int perform(VolumeAction action) throws IOException {
        return switch (store.get()) {
            case StoreAddress.Memory memory ->
                throw new ParameterException(
                        action.spec().commandLine(),
                        "a memory: store is inside its server, out of reach of other commands: create its volumes with"
                                + " `fdb-nbd serve --store memory: --create NAME:SIZE`");
            case StoreAddress.Rocks rocks -> performInRocks(action, rocks);
            case StoreAddress.Fdb fdb -> performHere(action, fdb, fdb.open());
        };
    }

    private int performInRocks(VolumeAction action, StoreAddress.Rocks rocks) throws IOException {
        Path directory = rocks.directory();
        if (!action.createsStore() && !Files.exists(directory)) {
            // Nothing is there: the same answer as from an empty store, without making one.
            return performHere(action, rocks, new MemoryStore());
        }
        Optional<ControlMessages.Answer> answer;
        do {
            answer = ask(action, rocks);
            if (answer.isEmpty()) {
                return performHere(action, rocks, openHere(rocks));
            }
        } while (action.take(answer.get()));
        return answer.get().exitCode();
    }

    private static Optional<ControlMessages.Answer> ask(VolumeAction action, StoreAddress.Rocks rocks)
            throws IOException {
        byte[][] request = encode(action);
        try {
            return new ControlClient(rocks.directory()).ask(request);
        } catch (IOException e) {
            throw new IOException(
                    e.getMessage() + holder(rocks) + "; whether the command was performed is not known", e);
        }
    }

    private static byte[][] encode(VolumeAction action) {
        try {
            return ControlMessages.encode(action.request());
        } catch (IllegalArgumentException e) {
            throw new ParameterException(action.spec().commandLine(), e.getMessage(), e);
        }
    }

    private static Store openHere(StoreAddress.Rocks rocks) throws IOException {
        try {
            return rocks.open();
        } catch (StoreException e) {
            if (UnixSockets.fits(rocks.directory().resolve(ControlServer.SOCKET_NAME))) {
                throw e;
            }
            throw new IOException(
                    e.getMessage() + " (a server that has it cannot be asked, as the directory's name is too long for a"
                            + " socket in it)",
                    e);
        }
    }

    // Opening fails while somebody holds the directory, and the failure says who.
    private static String holder(StoreAddress.Rocks rocks) {
        try {
            rocks.open().close();
            return "";
        } catch (StoreException e) {
            return " (" + e.getMessage() + ")";
        }
    }

    private int performHere(VolumeAction action, StoreAddress address, Store opened) throws IOException {
        try (Store store = opened;
                Volumes volumes = new Volumes(store, VolumeOptions.of(AckMode.COMMITTED), Ticker.SYSTEM)) {
            action.perform(new Administration(address, address.option(surroundings), volumes, false, null));
            return Main.EXIT_DONE;
        }
    }
}
