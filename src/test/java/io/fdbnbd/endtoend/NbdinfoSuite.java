package io.fdbnbd.endtoend;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Arrays;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;

/** What clients are told before they send a request. */
interface NbdinfoSuite extends Served {

    @Test
    @Needs("nbdinfo")
    default void nbdinfoIsToldSizesFlagsAndBlockSizes() {
        for (String uri : uris(INFO)) {
            String json = Programs.run("nbdinfo", "--json", uri);
            assertEquals(INFO, field(json, "export-name"));
            assertEquals(Long.toString(DISK_BYTES), field(json, "export-size"), json);
            assertEquals("newstyle-fixed", field(json, "protocol"), json);
            assertEquals("false", field(json, "is_read_only"), json);
            assertEquals("false", field(json, "is_rotational"), json);
            for (String can : new String[] {"flush", "fua", "trim", "zero", "fast_zero", "cache", "multi_conn"}) {
                assertEquals("true", field(json, "can_" + can), json);
            }
            assertEquals("1", field(json, "block_size_minimum"), json);
            assertEquals("4096", field(json, "block_size_preferred"), json);
            assertEquals(Integer.toString(32 << 20), field(json, "block_size_maximum"), json);
        }
    }

    @Test
    @Needs("nbdinfo")
    default void nbdinfoIsToldSizesThatAreNoMultipleOfABlockOrFillFortyBits() {
        assertEquals(ODD_BYTES + "\n", Programs.run("nbdinfo", "--size", server().uri(ODD)));
        assertEquals(HUGE_BYTES + "\n", Programs.run("nbdinfo", "--size", server().unixUri(HUGE)));
        assertTrue(Programs.run("nbdinfo", server().uri(HUGE)).contains("(1T)"));
    }

    @Test
    @Needs("nbdinfo")
    default void nbdinfoListsAllVolumes() {
        String json = Programs.run("nbdinfo", "--list", "--json", "nbd://127.0.0.1:" + server().port());
        Matcher names = Pattern.compile("\"export-name\": \"([^\"]*)\"").matcher(json);
        Set<String> found = names.results().map(match -> match.group(1)).collect(Collectors.toCollection(TreeSet::new));
        assertEquals(new TreeSet<>(Set.of(INFO, COPY, QEMU, FIO, ODD, HUGE, SPARSE)), found, json);
    }

    @Test
    @Needs("nbdinfo")
    default void nbdinfoIsRefusedAVolumeThatIsNotThere() {
        Programs.Run run = Programs.tryRun("nbdinfo", server().uri("nothing"));
        assertEquals(1, run.exitCode(), run::toString);
        assertTrue(run.output().contains("nothing"), run::toString);
    }

    @Test
    @Needs("nbd-client")
    default void nbdClientListsAllVolumes() {
        String list = Programs.run("nbd-client", "-l", "127.0.0.1", server().port());
        Set<String> lines = Arrays.stream(list.split("\n")).map(String::strip).collect(Collectors.toSet());
        assertTrue(lines.containsAll(Set.of(INFO, COPY, QEMU, FIO, ODD, HUGE, SPARSE)), list);
    }

    private static String field(String json, String name) {
        Matcher matcher = Pattern.compile("\"" + name + "\": \"?([^\",]*)").matcher(json);
        assertTrue(matcher.find(), () -> "no " + name + " in " + json);
        return matcher.group(1).strip();
    }
}
