package io.fdbnbd.tls;

import java.nio.file.Path;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.io.TempDir;

/** A certificate authority for each test, whose files lie in a directory of the test's own. */
public abstract class AuthorityFixture {
    @TempDir
    protected Path folder;

    protected TestAuthority authority;

    @BeforeEach
    final void createAuthority() throws Exception {
        authority = TestAuthority.create(folder, "authority");
    }
}
