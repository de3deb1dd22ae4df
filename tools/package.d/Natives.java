import java.io.IOException;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import java.util.zip.ZipEntry;
import java.util.zip.ZipFile;
import java.util.zip.ZipOutputStream;

/**
 * Takes native libraries out of jars: those for other platforms go away, and those for this one into a directory, if
 * their jar looks for them in the JVM's library path. tools/package runs it from its source: {@code Natives.java JARS
 * DIRECTORY OURS}, where OURS is a pattern for the entries of this platform. A jar without natives is left as it is.
 */
class Natives {
    private static final Pattern NATIVE = Pattern.compile(".*\\.(so|dll|dylib|jnilib)");

    /** Those of RocksDB, LZ4 and Zstandard; FoundationDB's looks only into its own jar. */
    private static final Pattern MOVES = Pattern.compile("lib(rocksdbjni|lz4-java|zstd-jni)-?.*");

    public static void main(String[] arguments) throws IOException {
        Path target = Files.createDirectories(Path.of(arguments[1]));
        Pattern ours = Pattern.compile(arguments[2]);
        List<Path> jars;
        try (Stream<Path> files = Files.list(Path.of(arguments[0]))) {
            jars = files.filter(file -> file.toString().endsWith(".jar")).sorted().toList();
        }
        for (Path jar : jars) {
            List<String> natives = natives(jar);
            if (!natives.isEmpty()) {
                if (natives.stream().noneMatch(name -> ours.matcher(name).find())) {
                    throw new IOException(jar + " has native libraries, and none for this platform: " + natives);
                }
                strip(jar, target, ours);
            }
        }
    }

    private static List<String> natives(Path jar) throws IOException {
        try (ZipFile zip = new ZipFile(jar.toFile())) {
            return zip.stream()
                    .map(ZipEntry::getName)
                    .filter(name -> NATIVE.matcher(name).matches())
                    .toList();
        }
    }

    private static void strip(Path jar, Path target, Pattern ours) throws IOException {
        Path stripped = Path.of(jar + ".new");
        try (ZipFile zip = new ZipFile(jar.toFile());
                ZipOutputStream out = new ZipOutputStream(Files.newOutputStream(stripped))) {
            zip.stream().forEach(entry -> {
                String name = Path.of(entry.getName()).getFileName().toString();
                boolean isNative = NATIVE.matcher(entry.getName()).matches();
                boolean isOurs = ours.matcher(entry.getName()).find();
                boolean moves = MOVES.matcher(name).matches();
                try {
                    if (!isNative || isOurs && !moves) {
                        ZipEntry copy = new ZipEntry(entry.getName());
                        copy.setTimeLocal(entry.getTimeLocal());
                        out.putNextEntry(copy);
                        copy(zip, entry, out);
                    } else if (isOurs) {
                        try (OutputStream file = Files.newOutputStream(target.resolve(name))) {
                            copy(zip, entry, file);
                        }
                    }
                } catch (IOException e) {
                    throw new UncheckedIOException(e);
                }
            });
        }
        Files.delete(jar);
        Files.move(stripped, jar);
    }

    private static void copy(ZipFile zip, ZipEntry entry, OutputStream out) throws IOException {
        try (var in = zip.getInputStream(entry)) {
            in.transferTo(out);
        }
    }
}
