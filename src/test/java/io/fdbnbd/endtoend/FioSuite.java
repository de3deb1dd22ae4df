package io.fdbnbd.endtoend;

import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

/** fio writes blocks that carry their own checksum, and reads them back. */
interface FioSuite extends Served {

    @Test
    @Needs("fio")
    default void fioVerifiesMixedBlockSizes() {
        for (String uri : uris(FIO)) {
            fio(
                    uri,
                    "--rw=randwrite",
                    "--bsrange=512-1m",
                    "--blockalign=512",
                    "--iodepth=32",
                    "--size=" + DISK_BYTES,
                    "--verify=crc32c",
                    "--do_verify=1",
                    "--verify_fatal=1");
        }
    }

    @Test
    @Needs("fio")
    default void fioVerifiesBlocksThatAreNotAligned() {
        fio(
                server().uri(FIO),
                "--rw=randwrite",
                "--bsrange=600-70000",
                "--bs_unaligned=1",
                "--iodepth=16",
                "--size=" + DISK_BYTES / 4,
                "--verify=crc32c",
                "--do_verify=1",
                "--verify_fatal=1");
    }

    @Test
    @Needs("fio")
    default void fioVerifiesWhatSeveralJobsWriteAtATime() {
        fio(
                server().uri(FIO),
                "--rw=randwrite",
                "--bs=4k",
                "--numjobs=4",
                "--size=" + DISK_BYTES / 4,
                "--offset_increment=" + DISK_BYTES / 4,
                "--iodepth=16",
                "--fsync=64",
                "--verify=crc32c",
                "--verify_backlog=256",
                "--verify_fatal=1");
    }

    @Test
    @Needs("fio")
    default void fioTrimsAmongReadsAndWrites() {
        fio(
                server().uri(FIO),
                "--rw=randtrimwrite",
                "--bsrange=4k-256k",
                "--iodepth=8",
                "--size=" + DISK_BYTES / 2,
                "--name=reads",
                "--rw=randrw",
                "--bs=8k",
                "--iodepth=8",
                "--size=" + DISK_BYTES / 4,
                "--offset=" + DISK_BYTES / 2);
    }

    private static void fio(String uri, String... options) {
        List<Object> arguments = new ArrayList<>(List.of(
                "--output-format=normal",
                "--randseed=" + Long.getLong("fdbnbd.seed", 1),
                "--ioengine=nbd",
                "--uri=" + uri));
        arguments.add("--name=first");
        arguments.addAll(List.of(options));
        String output = Programs.run("fio", arguments.toArray());
        assertTrue(output.contains("err= 0") && !output.contains("verify:"), output);
    }
}
