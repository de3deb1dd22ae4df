package io.fdbnbd.cli;

import io.fdbnbd.metrics.LatencyLog;
import io.fdbnbd.server.ListenAddress;
import io.fdbnbd.util.Durations;
import io.fdbnbd.util.Sizes;
import io.fdbnbd.volume.AckMode;
import io.fdbnbd.volume.Compression;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Arrays;
import java.util.Locale;
import java.util.stream.Collectors;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.TypeConversionException;

/** From what people write to what the program works with; every refusal says what is accepted. */
final class Converters {
    private Converters() {}

    private interface Parser<T> {
        T parse(String text);
    }

    private static <T> T convert(Parser<T> parser, String text) {
        try {
            return parser.parse(text);
        } catch (IllegalArgumentException e) {
            throw new TypeConversionException(e.getMessage());
        }
    }

    private static <E extends Enum<E>> E byName(E[] values, String text) {
        for (E value : values) {
            if (value.name().equalsIgnoreCase(text)) {
                return value;
            }
        }
        String accepted = Arrays.stream(values)
                .map(value -> value.name().toLowerCase(Locale.ROOT))
                .collect(Collectors.joining(", "));
        throw new TypeConversionException("\"" + text + "\" is none of: " + accepted);
    }

    /** A number of bytes. */
    static final class Size implements ITypeConverter<Long> {
        @Override
        public Long convert(String text) {
            return Converters.convert(Sizes::parse, text);
        }
    }

    /** How much goes into one entry of a latency log. */
    static final class Interval implements ITypeConverter<Duration> {
        @Override
        public Duration convert(String text) {
            Duration interval = Converters.convert(Durations::parse, text);
            if (interval.compareTo(LatencyLog.INTERVAL_MIN) < 0 || interval.compareTo(LatencyLog.INTERVAL_MAX) > 0) {
                throw new TypeConversionException("an interval is between 100ms and 1h, and not " + text);
            }
            return interval;
        }
    }

    /** How a volume is compressed. */
    static final class CompressionByName implements ITypeConverter<Compression> {
        @Override
        public Compression convert(String text) {
            return byName(Compression.values(), text);
        }
    }

    /** When a write is answered. */
    static final class AckByName implements ITypeConverter<AckMode> {
        @Override
        public AckMode convert(String text) {
            return byName(AckMode.values(), text);
        }
    }

    /** How much is logged. */
    static final class LogLevelByName implements ITypeConverter<LogLevel> {
        @Override
        public LogLevel convert(String text) {
            return byName(LogLevel.values(), text);
        }
    }

    /** A volume to create, as NAME:SIZE. */
    static final class Wanted implements ITypeConverter<WantedVolume> {
        @Override
        public WantedVolume convert(String text) {
            return Converters.convert(WantedVolume::parse, text);
        }
    }

    /** Where to listen. */
    static final class Address implements ITypeConverter<ListenAddress> {
        @Override
        public ListenAddress convert(String text) {
            ListenAddress address = Converters.convert(ListenAddress::parse, text);
            if (address instanceof ListenAddress.Unix unix && !UnixSockets.fits(unix.path())) {
                throw new TypeConversionException("the path of a unix socket has at most " + UnixSockets.PATH_BYTES_MAX
                        + " bytes, and " + unix.path() + " has "
                        + unix.path().toString().getBytes(StandardCharsets.UTF_8).length + ": use a shorter one");
            }
            return address;
        }
    }
}
