package io.fdbnbd.cli;

import io.fdbnbd.util.Json;
import io.fdbnbd.util.Printable;
import io.fdbnbd.util.Sizes;
import io.fdbnbd.volume.Scrub;
import io.fdbnbd.volume.VolumeException;
import java.io.IOException;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/**
 * {@code fdb-nbd volume verify}. The command asks for one part after the other and adds up what comes of them; a server
 * only ever performs one part, keeps nothing of it, and does not know whether another will follow.
 */
@Command(
        name = "verify",
        description = {
            "Reads all that is stored of a volume and checks that it is what was written there, also while the volume"
                    + " is served. Exits with 0 if all is well, 1 if there is damage, 3 if it could not be read to the"
                    + " end."
        },
        exitCodeListHeading = "%nExit codes:%n",
        exitCodeList = {
            "0:all that is stored is what was written",
            "1:there is damage; what and where is on standard output",
            "2:it was called wrongly",
            "3:it could not be verified to the end; the reason is on standard error"
        },
        footerHeading = "%nExamples:%n",
        footer = {
            "  fdb-nbd volume verify disk",
            "  fdb-nbd volume verify disk --rate 50M --quiet",
            "  fdb-nbd volume verify disk --json | jq .damages",
            "",
            "--json prints an object with name (string), size_bytes, blocks, stored_bytes, damaged (whole numbers) and",
            "damages: an array, of " + Scrub.DAMAGES_MAX + " at most, of objects with offset (where in the volume; null"
                    + " for what is none of its bytes) and",
            "what (string)."
        })
final class VerifyVolume extends VolumeAction {
    static final int EXIT_UNKNOWN = 3;

    private static final String BEGIN = "begin";

    /** What is read before progress is shown again. */
    private static final long PART_BYTES_MAX = 16L << 20;

    private static final long PART_BYTES_MIN = 64L << 10;

    /** With a rate, a part is what may be read in this part of a second. */
    private static final int PARTS_A_SECOND = 4;

    private final Surroundings surroundings;
    private final CountDownLatch never = new CountDownLatch(1);

    @Parameters(index = "0", paramLabel = "NAME", description = "The volume.")
    private String name;

    @Option(names = "--json", description = "For programs: see below.")
    private boolean json;

    @Option(names = "--quiet", description = "Show no progress.")
    private boolean quiet;

    @Option(
            names = "--rate",
            paramLabel = "SIZE",
            converter = Converters.Size.class,
            description = "Read at most this much a second, like 50M. Default: as fast as the store gives it.")
    private long rate = Long.MAX_VALUE;

    @Option(names = "--part", hidden = true, description = "Perform one part, from here on.")
    private @Nullable String part;

    @Option(names = "--part-bytes", hidden = true, description = "How long that part is.")
    private long partBytes = PART_BYTES_MAX;

    private @Nullable Progress progress;
    private byte @Nullable [] next;
    private long sizeBytes;
    private long blocks;
    private long storedBytes;
    private long damagedCount;
    private final List<Scrub.Damage> damages = new ArrayList<>();

    VerifyVolume(Reach reach, Surroundings surroundings) {
        super(reach);
        this.surroundings = surroundings;
    }

    @Override
    public Integer call() throws IOException {
        if (part != null) {
            return super.call();
        }
        if (rate < 1) {
            throw new VolumeException(VolumeException.Kind.INVALID, "a rate of 0 bytes a second never comes to an end");
        }
        progress = quiet ? null : Progress.of(err(), surroundings);
        partBytes = Math.clamp(rate / PARTS_A_SECOND, PART_BYTES_MIN, PART_BYTES_MAX);
        int exitCode;
        try {
            exitCode = super.call();
        } catch (VolumeException e) {
            if (e.kind() == VolumeException.Kind.INVALID) {
                throw e;
            }
            return failed(e);
        } catch (IOException e) {
            return failed(e);
        } finally {
            endProgress();
        }
        if (exitCode != Main.EXIT_DONE) {
            return exitCode == Main.EXIT_FAILED ? EXIT_UNKNOWN : exitCode;
        }
        report();
        return damagedCount == 0 ? Main.EXIT_DONE : Main.EXIT_FAILED;
    }

    private int failed(Exception failure) {
        endProgress();
        err().println("fdb-nbd: " + Failures.sentence(failure));
        return EXIT_UNKNOWN;
    }

    private void endProgress() {
        if (progress != null) {
            progress.end();
        }
    }

    @Override
    List<String> request() {
        String from = next == null ? BEGIN : HexFormat.of().formatHex(next);
        return List.of("verify", "--part", from, "--part-bytes", String.valueOf(partBytes), "--", name);
    }

    @Override
    void perform(Administration volumes) throws IOException {
        if (part != null) {
            byte[] from = part.equals(BEGIN) ? null : HexFormat.of().parseHex(part);
            out().print(perform(volumes, from).write());
            out().flush();
            return;
        }
        do {
            add(perform(volumes, next));
        } while (next != null);
    }

    private VerifyPart perform(Administration volumes, byte @Nullable [] from) throws VolumeException {
        try {
            Scrub scrub = volumes.volumes().scrub(name);
            return new VerifyPart(scrub.info().sizeBytes(), scrub.verify(from, Math.min(partBytes, PART_BYTES_MAX)));
        } catch (VolumeException e) {
            if (e.kind() != VolumeException.Kind.DAMAGED) {
                throw e;
            }
            Scrub.Damage damage = new Scrub.Damage(-1, e.getMessage());
            return new VerifyPart(0, new Scrub.Part(null, 0, 0, 0, 1, List.of(damage)));
        }
    }

    @Override
    boolean take(ControlMessages.Answer answer) throws IOException {
        if (answer.exitCode() != Main.EXIT_DONE) {
            endProgress();
            return super.take(answer);
        }
        add(VerifyPart.read(answer.out()));
        return next != null;
    }

    private void add(VerifyPart verified) {
        Scrub.Part found = verified.part();
        next = found.next();
        sizeBytes = verified.sizeBytes();
        blocks += found.blocks();
        storedBytes += found.storedBytes();
        damagedCount += found.damagedCount();
        found.damages().stream().limit(Scrub.DAMAGES_MAX - damages.size()).forEach(damages::add);
        if (next != null) {
            if (progress != null) {
                progress.show((double) found.nextOffset() / sizeBytes, storedBytes);
            }
            keepRate(found.storedBytes());
        }
    }

    /** Only ever slower than the rate: what was late is not caught up with. */
    private void keepRate(long bytes) {
        if (rate < Long.MAX_VALUE) {
            try {
                never.await(TimeUnit.SECONDS.toNanos(1) * bytes / rate, TimeUnit.NANOSECONDS);
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
        }
    }

    private void report() {
        if (json) {
            out().println(Json.write(json()));
            return;
        }
        String all = Text.count(blocks, "block") + " stored, " + Sizes.format(storedBytes) + " read";
        if (damagedCount == 0) {
            out().println("volume " + Text.name(name) + " is as it was written: " + all);
            return;
        }
        out().println("volume " + Text.name(name) + " is damaged: " + Text.count(damagedCount, "damage") + " in "
                + all);
        for (Scrub.Damage damage : damages) {
            String place = damage.offset() < 0 ? "" : "at offset " + damage.offset() + ": ";
            out().println("  " + place + Printable.of(damage.what()));
        }
        if (damagedCount > damages.size()) {
            out().println("  and " + (damagedCount - damages.size()) + " more");
        }
    }

    private Map<String, @Nullable Object> json() {
        Map<String, @Nullable Object> object = new LinkedHashMap<>();
        object.put("name", name);
        object.put("size_bytes", sizeBytes);
        object.put("blocks", blocks);
        object.put("stored_bytes", storedBytes);
        object.put("damaged", damagedCount);
        object.put("damages", damages.stream().map(VerifyVolume::json).toList());
        return object;
    }

    private static Map<String, @Nullable Object> json(Scrub.Damage damage) {
        Map<String, @Nullable Object> object = new LinkedHashMap<>();
        object.put("offset", damage.offset() < 0 ? null : damage.offset());
        object.put("what", damage.what());
        return object;
    }
}
