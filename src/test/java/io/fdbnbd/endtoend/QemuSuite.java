package io.fdbnbd.endtoend;

import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

/** QEMU's block layer: what a virtual machine would use. */
interface QemuSuite extends Served {

    @Test
    @Needs("qemu-io")
    default void qemuIoReadsWhatItWrote() {
        for (String uri : uris(QEMU)) {
            qemuIo(
                    uri,
                    "write -P 1 0 1M",
                    "write -P 2 5 1000",
                    "write -P 3 4096 4096",
                    "write -f -P 4 777777 33",
                    "write -P 5 " + (DISK_BYTES - 511) + " 511",
                    "write -P 6 3M 20M",
                    "flush");
            qemuIo(
                    uri,
                    "read -P 1 0 5",
                    "read -P 2 5 1000",
                    "read -P 1 1005 3091",
                    "read -P 3 4096 4096",
                    "read -P 1 8192 769585",
                    "read -P 4 777777 33",
                    "read -P 1 777810 270766",
                    "read -P 5 " + (DISK_BYTES - 511) + " 511",
                    "read -P 6 3M 20M");
        }
    }

    @Test
    @Needs("qemu-io")
    default void qemuIoReadsZeroesWhereItZeroedAndNothingElseChanged() {
        for (String zero : List.of("write -z", "write -z -u", "write -z -f", "discard")) {
            qemuIo(server().uri(QEMU), "write -P 7 0 8M", "flush");
            qemuIo(
                    server().uri(QEMU),
                    zero + " 4096 4096", // a block
                    zero + " 65536 1M", // many
                    zero + " 4194403 1000003", // parts of blocks, and whole ones
                    zero + " 6000001 17", // a part of one
                    "read -P 0 4096 4096",
                    "read -P 0 65536 1M",
                    "read -P 0 4194403 1000003",
                    "read -P 0 6000001 17",
                    "flush");
            qemuIo(
                    server().uri(QEMU),
                    "read -P 7 0 4096",
                    "read -P 0 4096 4096",
                    "read -P 7 8192 57344",
                    "read -P 0 65536 1M",
                    "read -P 7 1114112 3080291",
                    "read -P 0 4194403 1000003",
                    "read -P 7 5194406 805595",
                    "read -P 0 6000001 17",
                    "read -P 7 6000018 2388590");
        }
    }

    @Test
    @Needs("qemu-io")
    default void qemuIoFindsWhatIsAtBothEndsOfATebibyte() {
        long last = HUGE_BYTES - 4096;
        qemuIo(
                server().uri(HUGE),
                "write -P 8 0 4k",
                "write -P 9 " + last + " 4k",
                "write -P 10 2147483647 3",
                "write -P 11 4294967295 3",
                "flush",
                "read -P 8 0 4k",
                "read -P 0 4k 32M",
                "read -P 9 " + last + " 4k",
                "read -P 10 2147483647 3",
                "read -P 11 4294967295 3",
                "discard 4k 2147483136", // the most that qemu-io takes
                "read -P 0 2147483647 3",
                "read -P 8 0 4k",
                "read -P 11 4294967295 3",
                "read -P 9 " + last + " 4k");
    }

    @Test
    @Needs("qemu-io")
    default void qemuIoHasManyRequestsUnderWay() {
        List<String> write = new ArrayList<>();
        List<String> read = new ArrayList<>();
        for (int i = 0; i < 64; i++) {
            write.add("aio_write -P " + (i + 1) + " " + (i * 100_003) + " 100003");
            read.add("aio_read -P " + (i + 1) + " " + (i * 100_003) + " 100003");
        }
        write.add("aio_flush");
        read.add("aio_flush");
        qemuIo(server().unixUri(QEMU), write.toArray(String[]::new));
        qemuIo(server().uri(QEMU), read.toArray(String[]::new));
    }

    @Test
    @Needs("qemu-img")
    default void qemuImgConvertsIntoAVolumeAndOutOfIt() throws IOException {
        Path file = TestFiles.create(directory(), DISK_BYTES, 17, 3);
        Path back = Files.createTempFile(directory(), "back-", ".qcow2");
        for (String uri : uris(QEMU)) {
            Programs.run("qemu-img", "convert", "-n", "-W", "-m", 8, "-f", "raw", "-O", "raw", file, uri);
            same(file, uri, "raw");
            Programs.run("qemu-img", "convert", "-f", "raw", "-O", "qcow2", uri, back);
            same(file, back.toString(), "qcow2");
        }
        qemuIo(server().uri(QEMU), "write -P 1 12345678 1");
        Programs.Run run = Programs.tryRun("qemu-img", "compare", "-f", "raw", "-F", "raw", file, server().uri(QEMU));
        assertTrue(run.exitCode() == 1 && run.output().contains("mismatch"), run::toString);
        Files.delete(file);
        Files.delete(back);
    }

    private static void same(Path file, String other, String otherFormat) {
        String verdict = Programs.run("qemu-img", "compare", "-f", "raw", "-F", otherFormat, file, other);
        assertTrue(verdict.contains("identical"), verdict);
    }

    private static void qemuIo(String uri, String... commands) {
        List<Object> arguments = new ArrayList<>(List.of("-f", "raw", "-t", "none"));
        for (String command : commands) {
            arguments.addAll(List.of("-c", command));
        }
        arguments.add(uri);
        String output = Programs.run("qemu-io", arguments.toArray());
        // Some versions end with 0 whatever happened.
        assertFalse(output.matches("(?s).*(fail|rror|denied).*"), () -> commands[0] + " ...\n" + output);
    }
}
