# What the guest's scripts share; they run in a kernel that has just booted, on busybox.
# shellcheck shell=sh
set -eu

fail() {
    echo "FAILED: $*"
    exit 1
}

# quiet COMMAND...: what it says is of interest only if it fails.
quiet() {
    "$@" >/tmp/said 2>&1 || {
        cat /tmp/said
        fail "$*"
    }
}

# attach EXPORT [OPTION...]: options are nbd-client's.
attach() {
    attached=$1
    shift
    modprobe nbd
    quiet nbd-client -N "$attached" -b 512 "$@" "$NBD_HOST" "$NBD_PORT" /dev/nbd0
    echo "$attached: $(cat /sys/block/nbd0/size) sectors"
}

detach() {
    quiet nbd-client -d /dev/nbd0
    # A filesystem may get over an error that the kernel met; a good disk gives it none.
    ! dmesg | grep -E 'error.*nbd0|nbd0.*(error|timed out)|(EXT4-fs|BTRFS) (error|warning|critical)|XFS.*[Cc]orrupt' ||
        fail "the kernel complained"
}

# check FS: the filesystem, not mounted, must have no fault.
check() {
    case $1 in
        ext4) quiet e2fsck -fn /dev/nbd0 ;;
        xfs) quiet xfs_repair -n /dev/nbd0 ;;
        btrfs) quiet btrfs check --readonly /dev/nbd0 ;;
        *) fail "no such filesystem: $1" ;;
    esac
    echo "$1 is clean"
}

# Park and Miller: its products are exact in floating point.
random='function random(n) { x = (x * 16807) % 2147483647; return x % n }'

# make_tree DIR: the same tree for the same $SEED, on whatever filesystem.
make_tree() (
    mkdir "$1"
    cd "$1"
    [ -e /tmp/text ] || awk -v seed="$SEED" "$random"'
        BEGIN {
            x = seed % 2147483646 + 1
            for (i = 0; i < 32768; i++) printf "%08x", random(2147483647)
        }' >/tmp/text
    # One process writes most of it: under emulation the cost is in starting processes.
    awk -v seed="$SEED" "$random"'
        BEGIN {
            x = seed % 2147483646 + 1
            getline text <"/tmp/text"
            for (i = 0; i < 320; i++) {
                if (i < 20) system("mkdir d" i)
                kind = i % 10
                if (kind == 0) size = 0
                else if (kind == 1) size = 1 + random(64)
                else if (kind < 6) size = 1 + random(5000)
                else if (kind < 9) size = 4096 * (1 + random(16)) - random(3)
                else size = 1 + random(200000)
                file = "d" (i % 20) "/f" i
                printf "%s", substr(text, 1 + random(length(text) - size), size) > file
                close(file)
            }
            # No block of the large ones is like another.
            for (i = 0; i < 48; i++) {
                printf "%d\n%s", i, text > "large"
                printf "%d\n%s", -i, text > "doomed"
            }
        }'

    deep=.
    for i in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do deep=$deep/deep$i; done
    mkdir -p $deep
    cp d9/f9 $deep/file
    long=$(printf '%0250d' 7)
    echo long >"$long"
    echo "a space" >"a space"

    # Data at odd offsets with holes between them, and a hole at the end.
    for at in 1 70001 3000017 5242880; do
        dd if=large bs=4099 count=2 status=none |
            dd of=sparse oflag=seek_bytes seek=$at conv=notrunc status=none
    done
    truncate -s 7654321 sparse
    echo overwritten | dd of=large oflag=seek_bytes seek=1234567 conv=notrunc status=none
    truncate -s 10001 d19/f39
    truncate -s 333 d15/f55
    cat d9/f9 >>d9/f29

    ln -s d9/f9 link
    ln -s nowhere dangling
    ln -s "../d9/../$long" d1/link
    ln d8/f8 hard
    chmod 400 d2/f2
    chmod 2711 d3
    # So that what follows changes what is on the disk, not only what is in memory.
    sync
    mv d4/f4 d5/renamed
    mv d6 moved
    mv d7/f7 d7/f27
    rm -r doomed d10 d11/f11
)

# list_tree DIR: mode, links, size and sha256 of all that is in it, sorted.
list_tree() (
    cd "$1"
    find . -type d -print0 | sort -z | xargs -0 stat -c '%f %n'
    find . -type l -print0 | sort -z | xargs -0 stat -c '%N'
    find . -type f -print0 | sort -z | xargs -0 stat -c '%f %h %s %n'
    find . -type f -print0 | sort -z | xargs -0 sha256sum
)

# expect_tree: what list_tree has to say, from a tree that never saw the disk.
expect_tree() {
    make_tree /tmp/tree
    list_tree /tmp/tree >/tmp/expected
    rm -r /tmp/tree
}

# compare_tree FS:EXPORT: prints the hash of the tree on the disk, for the host to compare between
# two boots; and compares it here with the expected one, or a lost write would go by both times.
compare_tree() {
    list_tree /mnt/tree >/tmp/list
    if [ -n "$VERBOSE" ] || ! cmp -s /tmp/expected /tmp/list; then
        echo "=== list $1"
        cat /tmp/list
        echo "=== end"
    fi
    echo "=== tree $1 sha256 $(sha256sum </tmp/list | cut -c 1-64) files $(find /mnt/tree -type f | wc -l)"
    diff -U 0 /tmp/expected /tmp/list || fail "$1: the tree is not the one written"
}
