package io.fdbnbd.endtoend;

import io.fdbnbd.store.fdb.FdbCluster;
import java.nio.file.Path;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;

/** A real kernel puts a filesystem on a volume that lives in a cluster. */
@Tag("slow")
@Tag("vm")
@ExtendWith({FdbCluster.class, VirtualMachine.class})
class FdbKernelTest {

    @TempDir
    @SuppressWarnings("NullAway.Init")
    private Path directory;

    @BeforeAll
    static void install() {
        VirtualMachine.install();
    }

    @Test
    void aTebibyteCanBeFormatted() throws Exception {
        VirtualMachine.formatATebibyte(new ServeProcess(directory, FdbStores.fresh()));
    }
}
