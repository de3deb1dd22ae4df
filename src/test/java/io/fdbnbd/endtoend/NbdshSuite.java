package io.fdbnbd.endtoend;

import org.junit.jupiter.api.Test;

/** Every option of the handshake, as libnbd negotiates it: taken, refused, and left out. */
interface NbdshSuite extends Served {

    /** What every script begins with: a way to a new handle, and what has to fail. */
    String PRELUDE = """
            import errno
            uri = '$URI'
            name = '$NAME'

            def handle():
                o = nbd.NBD()
                o.set_opt_mode(True)
                o.set_uri_allow_local_file(True)
                return o

            def negotiating():
                o = handle()
                o.connect_uri(uri)
                assert o.aio_is_negotiating()
                return o

            def fails(call, *errors):
                try:
                    call()
                except nbd.Error as e:
                    assert not errors or e.errnum in errors, e
                    return
                raise AssertionError('it did not fail')

            def works(o):
                o.pwrite(b'option', 4096)
                assert o.pread(6, 4096) == b'option'
                o.shutdown()

            """;

    @Test
    @Needs("nbdsh")
    default void nbdshListsAsksForOneVolumeAndThenAttachesIt() {
        nbdsh("""
                o = negotiating()
                listed = []
                count = o.opt_list(lambda export, description: listed.append(export))
                assert count == len(listed) and name in listed, listed
                o.set_export_name('nothing')
                fails(o.opt_info, errno.ENOENT)
                fails(o.opt_go, errno.ENOENT)
                assert o.aio_is_negotiating()
                o.set_export_name(name)
                o.opt_info()
                size, flush = o.get_size(), o.can_flush()
                assert size == $BYTES and flush and not o.is_read_only()
                assert o.get_block_size(nbd.SIZE_PREFERRED) == 4096
                assert o.aio_is_negotiating()
                o.opt_go()
                assert o.get_size() == size and o.can_flush() == flush
                assert o.get_protocol() == 'newstyle-fixed'
                works(o)
                """);
    }

    @Test
    @Needs("nbdsh")
    default void nbdshLeavesInTheMiddleOfTheHandshake() {
        nbdsh("""
                o = negotiating()
                o.opt_abort()
                assert o.aio_is_closed()
                o = negotiating()
                o.opt_info()
                o.opt_abort()
                assert o.aio_is_closed()
                """);
    }

    @Test
    @Needs("nbdsh")
    default void nbdshAsksForContexts() {
        nbdsh("""
                o = negotiating()
                listed = []
                assert o.opt_list_meta_context(listed.append) == 1
                assert listed == [nbd.CONTEXT_BASE_ALLOCATION], listed
                o.add_meta_context('base:')
                assert o.opt_list_meta_context(listed.append) == 1
                o.clear_meta_contexts()
                o.add_meta_context('x-nothing:')
                assert o.opt_list_meta_context(listed.append) == 0
                o.set_export_name('nothing')
                fails(lambda: o.opt_list_meta_context(listed.append))
                o.set_export_name(name)
                o.opt_go()
                assert not o.can_meta_context(nbd.CONTEXT_BASE_ALLOCATION)
                o.set_strict_mode(0)
                fails(lambda: o.block_status(4096, 0, lambda *a: 0), errno.EINVAL)
                works(o)
                o = negotiating()
                o.add_meta_context('x-nothing:')
                o.add_meta_context(nbd.CONTEXT_BASE_ALLOCATION)
                o.opt_go()
                assert o.can_meta_context(nbd.CONTEXT_BASE_ALLOCATION)
                assert not o.can_meta_context('x-nothing:')
                works(o)
                """);
    }

    @Test
    @Needs("nbdsh")
    default void nbdshDoesWithoutStructuredReplies() {
        nbdsh("""
                o = handle()
                o.set_request_structured_replies(False)
                o.connect_uri(uri)
                fails(lambda: o.opt_list_meta_context(lambda context: 0), errno.ENOTSUP)
                o.opt_go()
                assert not o.get_structured_replies_negotiated() and not o.can_df()
                works(o)
                o = negotiating()
                o.opt_go()
                assert o.get_structured_replies_negotiated() and o.can_df()
                works(o)
                """);
    }

    /** A client that does not know the fixed newstyle has no other option than EXPORT_NAME. */
    @Test
    @Needs("nbdsh")
    default void nbdshAttachesByTheNameAlone() {
        nbdsh("""
                for flags in 0, nbd.HANDSHAKE_FLAG_FIXED_NEWSTYLE, nbd.HANDSHAKE_FLAG_NO_ZEROES, 3:
                    o = nbd.NBD()
                    o.set_handshake_flags(flags)
                    o.connect_uri(uri)
                    fixed = flags & nbd.HANDSHAKE_FLAG_FIXED_NEWSTYLE != 0
                    assert o.get_protocol() == ('newstyle-fixed' if fixed else 'newstyle'), o.get_protocol()
                    assert o.get_size() == $BYTES
                    assert o.get_structured_replies_negotiated() == fixed
                    works(o)
                o = nbd.NBD()
                o.set_handshake_flags(0)
                fails(lambda: o.connect_uri(uri.replace(name, 'nothing')))
                """);
    }

    private void nbdsh(String script) {
        for (String uri : uris(INFO)) {
            Programs.nbdsh((PRELUDE + script)
                    .replace("$URI", uri)
                    .replace("$NAME", INFO)
                    .replace("$BYTES", Long.toString(DISK_BYTES)));
        }
    }
}
