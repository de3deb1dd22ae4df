package io.fdbnbd;

import static com.tngtech.archunit.base.DescribedPredicate.describe;
import static com.tngtech.archunit.core.domain.JavaClass.Predicates.resideInAnyPackage;
import static com.tngtech.archunit.core.domain.JavaClass.Predicates.resideOutsideOfPackage;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.classes;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import com.tngtech.archunit.core.importer.ImportOption;
import com.tngtech.archunit.lang.ArchRule;
import java.util.List;
import java.util.Set;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.FieldSource;

/** Which package may see which. A new package gets a line in {@link #ROOMS}, or no class in it passes. */
class ArchitectureTest {
    private static final String BASE = "io.fdbnbd.";
    private static final JavaClasses MAIN = new ClassFileImporter()
            .withImportOption(new ImportOption.DoNotIncludeTests())
            .importPackages("io.fdbnbd");

    /** A package and the packages of this project it may import, besides itself. */
    record Room(String name, String... mayImport) {
        String[] visible() {
            return Stream.concat(Stream.of(name), Stream.of(mayImport))
                    .map(room -> BASE + room)
                    .toArray(String[]::new);
        }

        @Override
        public String toString() {
            return name;
        }
    }

    /** A library and the packages that may import it. */
    record Guest(String library, String... hosts) {
        String[] rooms() {
            return Stream.of(hosts).map(host -> BASE + host).toArray(String[]::new);
        }
    }

    static final List<Room> ROOMS = List.of(
            new Room(
                    "cli",
                    "server",
                    "client",
                    "bench",
                    "nbd",
                    "volume",
                    "store..",
                    "metrics..",
                    "status",
                    "tls",
                    "util"),
            new Room("status", "volume", "metrics", "util"),
            new Room("server", "nbd", "volume", "metrics", "tls", "util"),
            new Room("nbd", "util"),
            new Room("client", "nbd", "util"),
            new Room("bench", "client", "nbd", "metrics..", "util"),
            new Room("tls", "util"),
            new Room("volume", "store", "metrics", "util"),
            new Room("store", "util"),
            new Room("store.memory", "store", "util"),
            new Room("store.rocks", "store", "util"),
            new Room("store.fdb", "store", "util"),
            new Room("metrics", "util"),
            new Room("metrics.report", "metrics", "util"),
            new Room("util"));

    static final List<Guest> GUESTS = List.of(
            new Guest("org.rocksdb..", "store.rocks"),
            new Guest("com.apple.foundationdb..", "store.fdb"),
            new Guest("org.HdrHistogram..", "metrics..", "bench"),
            new Guest("io.prometheus..", "status"),
            new Guest("com.sun.net.httpserver..", "status"),
            new Guest("org.jline..", "cli"),
            new Guest("com.google.gson..", "cli"),
            new Guest("tlschannel..", "tls"),
            new Guest("org.bouncycastle..", "tls"),
            new Guest("picocli..", "cli"));

    /** As a call or as a method reference. */
    private static final Set<String> CLOCKS =
            Set.of("java.lang.System.nanoTime()", "java.lang.System.currentTimeMillis()", "java.time.Instant.now()");

    @ParameterizedTest
    @FieldSource("ROOMS")
    void aRoomSeesOnlyItsNeighbours(Room room) {
        arrows(room).allowEmptyShould(true).check(MAIN);
    }

    @Test
    void everyClassLivesInARoom() {
        String[] rooms = ROOMS.stream().map(room -> BASE + room.name()).toArray(String[]::new);
        classes().should().resideInAnyPackage(rooms).check(MAIN);
    }

    @ParameterizedTest
    @FieldSource("GUESTS")
    void aLibraryHasItsHosts(Guest guest) {
        onlyIn(guest).allowEmptyShould(true).check(MAIN);
    }

    @Test
    void loggingIsTinylog() {
        noClasses()
                .should()
                .dependOnClassesThat()
                .resideInAPackage("java.util.logging..")
                .check(MAIN);
    }

    @Test
    void timeComesThroughTheTicker() {
        noClasses()
                .that()
                .resideOutsideOfPackage(BASE + "util")
                .should()
                .accessTargetWhere(describe(
                        "reads a clock",
                        access -> CLOCKS.contains(access.getTarget().getFullName())))
                .because("tests turn time by hand: take a Ticker, or an InstantSource for the date")
                .check(MAIN);
    }

    /** The rules bite: each of these is broken by classes that are known to be there. */
    @Test
    void aBrokenRuleIsSeen() {
        assertTrue(arrows(new Room("volume", "util")).evaluate(MAIN).hasViolation());
        assertTrue(onlyIn(new Guest("picocli..", "util")).evaluate(MAIN).hasViolation());
    }

    private static ArchRule arrows(Room room) {
        return classes()
                .that()
                .resideInAPackage(BASE + room.name())
                .should()
                .onlyDependOnClassesThat(resideOutsideOfPackage("io.fdbnbd..").or(resideInAnyPackage(room.visible())));
    }

    private static ArchRule onlyIn(Guest guest) {
        return noClasses()
                .that()
                .resideOutsideOfPackages(guest.rooms())
                .should()
                .dependOnClassesThat()
                .resideInAPackage(guest.library());
    }
}
