package io.fdbnbd.endtoend;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;

/** Clients that ask what there is: a tebibyte with next to nothing in it costs next to nothing. */
interface SparseSuite extends Served {

    /** Where the data are: 8 KiB. */
    long DATA = HUGE_BYTES / 2 + 4096;

    /** Clears the disk 2 GiB at a time, which is far from the longest request, and writes the data. */
    String PREPARE = """
            h.add_meta_context(nbd.CONTEXT_BASE_ALLOCATION)
            h.connect_uri('$URI')
            size, step, data = h.get_size(), 1 << 31, $DATA
            for at in range(0, size, step):
                h.trim(step, at)
            h.pwrite(b'fdb-nbd!' * 1024, data)
            h.flush()
            """;

    @Test
    @Needs({"nbdsh", "nbdinfo"})
    default void nbdinfoMapsASparseTebibyte() {
        nbdsh(PREPARE);
        String map = Programs.run("nbdinfo", "--map", server().uri(SPARSE));
        List<String> lines = map.strip().lines().toList();
        assertEquals(3, lines.size(), map);
        assertMapped(lines.get(0), 0, DATA, 3);
        assertMapped(lines.get(1), DATA, 8192, 0);
        assertMapped(lines.get(2), DATA + 8192, HUGE_BYTES - DATA - 8192, 3);
        String json = Programs.run("nbdinfo", "--json", server().unixUri(SPARSE));
        assertTrue(json.contains("\"base:allocation\"") && json.contains("\"can_df\": true"), json);
    }

    private static void assertMapped(String line, long offset, long length, int type) {
        String[] columns = line.strip().split("\\s+", -1);
        assertEquals(offset + " " + length + " " + type, columns[0] + " " + columns[1] + " " + columns[2], line);
    }

    @Test
    @Needs({"nbdsh", "nbdcopy"})
    default void nbdcopyTakesOutOfASparseTebibyteWhatIsThere() throws IOException {
        nbdsh(PREPARE);
        Path file = Files.createTempFile(directory(), "sparse-", ".raw");
        Programs.run("nbdcopy", server().uri(SPARSE), file);
        assertEquals(HUGE_BYTES, Files.size(file));
        assertData(file);
        String kib = Programs.run("du", "-k", file).split("\\s+", -1)[0];
        assertTrue(Long.parseLong(kib) < 1024, "the copy takes " + kib + " KiB");
        Files.delete(file);
    }

    @Test
    @Needs({"nbdsh", "qemu-img"})
    default void qemuImgMapsAndConvertsASparseTebibyte() throws IOException {
        nbdsh(PREPARE);
        String uri = server().uri(SPARSE);
        String map = Programs.run("qemu-img", "map", "-f", "raw", "--output=json", uri);
        assertEquals(3, map.strip().lines().count(), map);
        assertTrue(map.contains("\"start\": " + DATA + ", \"length\": 8192"), map);
        Path file = Files.createTempFile(directory(), "sparse-", ".raw");
        Programs.run("qemu-img", "convert", "-f", "raw", "-O", "raw", uri, file);
        assertData(file);
        String verdict = Programs.run("qemu-img", "compare", "-f", "raw", "-F", "raw", file, uri);
        assertTrue(verdict.contains("identical"), verdict);
        Files.delete(file);
    }

    @Test
    @Needs("nbdsh")
    default void nbdshSeesEveryChunkAndExtent() {
        nbdsh(PREPARE + """
                assert h.get_structured_replies_negotiated() and h.can_df()
                assert h.can_meta_context(nbd.CONTEXT_BASE_ALLOCATION)

                def chunks(count, offset, flags):
                    seen = []
                    def chunk(buf, at, status, err):
                        assert err.value == 0
                        seen.append((at, len(buf), status))
                    got = h.pread_structured(count, offset, chunk, flags)
                    assert bytes(got) == bytes(h.pread(count, offset))
                    return seen

                before = data - 65536
                assert chunks(131072, before, 0) == [
                    (before, 65536, nbd.READ_HOLE),
                    (data, 8192, nbd.READ_DATA),
                    (data + 8192, 57344, nbd.READ_HOLE)]
                assert chunks(131072, before, nbd.CMD_FLAG_DF) == [(before, 131072, nbd.READ_DATA)]
                assert chunks(32 << 20, before, nbd.CMD_FLAG_DF) == [(before, 32 << 20, nbd.READ_DATA)]

                def status(count, offset, flags):
                    seen = []
                    def extents(context, at, entries, err):
                        assert context == nbd.CONTEXT_BASE_ALLOCATION and at == offset
                        seen.extend(entries)
                    h.block_status(count, offset, extents, flags)
                    return seen

                assert status(131072, before, 0) == [65536, 3, 8192, 0, 57344, 3]
                assert status(131072, before, nbd.CMD_FLAG_REQ_ONE) == [65536, 3]

                def fails(call, error):
                    try:
                        call()
                    except nbd.Error as e:
                        assert e.errnum == error, e
                        return
                    raise AssertionError('it did not fail')

                import errno
                h.set_strict_mode(0)
                fails(lambda: h.pread(4096, size), errno.EINVAL)
                fails(lambda: h.pwrite(b'x' * 4096, size), errno.ENOSPC)
                fails(lambda: h.pread_structured(33 << 20, 0, lambda *a: None, nbd.CMD_FLAG_DF), errno.EOVERFLOW)
                fails(lambda: h.block_status(4096, size, lambda *a: None), errno.EINVAL)
                h.shutdown()
                """);
    }

    /** @param script with $URI for the volume's, and $DATA for where the data are */
    private void nbdsh(String script) {
        Programs.nbdsh(script.replace("$URI", server().uri(SPARSE)).replace("$DATA", Long.toString(DATA)));
    }

    private static void assertData(Path file) throws IOException {
        try (FileChannel channel = FileChannel.open(file)) {
            ByteBuffer read = ByteBuffer.allocate(8192 + 2 * 4096);
            channel.read(read, DATA - 4096);
            byte[] expected = new byte[read.capacity()];
            for (int i = 0; i < 8192; i++) {
                expected[4096 + i] = (byte) "fdb-nbd!".charAt(i % 8);
            }
            assertEquals(-1, ByteBuffer.wrap(expected).mismatch(read.flip()));
        }
    }
}
