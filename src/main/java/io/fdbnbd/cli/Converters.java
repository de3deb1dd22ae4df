package io.fdbnbd.cli;

import io.fdbnbd.bench.Pattern;
import io.fdbnbd.client.NbdUri;
import io.fdbnbd.metrics.LatencyLog;
import io.fdbnbd.server.Access;
import io.fdbnbd.server.AddressRange;
import io.fdbnbd.server.ListenAddress;
import io.fdbnbd.util.Durations;
import io.fdbnbd.util.Sizes;
import io.fdbnbd.util.UnixSockets;
import io.fdbnbd.volume.AckMode;
import io.fdbnbd.volume.Compression;
import io.fdbnbd.volume.UncleanPolicy;
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

    /** Any option that counts. */
    static final class WholeNumber implements ITypeConverter<Integer> {
        @Override
        public Integer convert(String text) {
            try {
                return Integer.valueOf(text);
            } catch (NumberFormatException e) {
                throw new TypeConversionException("\"" + text + "\" is not a whole number up to " + Integer.MAX_VALUE);
            }
        }
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

    /** A span of time. */
    static final class Span implements ITypeConverter<Duration> {
        @Override
        public Duration convert(String text) {
            return Converters.convert(Durations::parse, text);
        }
    }

    /** An export of any server. */
    static final class Uri implements ITypeConverter<NbdUri> {
        @Override
        public NbdUri convert(String text) {
            return Converters.convert(NbdUri::parse, text);
        }
    }

    /** What a load is made of. */
    static final class PatternByName implements ITypeConverter<Pattern> {
        @Override
        public Pattern convert(String text) {
            return byName(Pattern.values(), text);
        }
    }

    /** Where HTTP is served. */
    static final class HttpAddress implements ITypeConverter<ListenAddress.Tcp> {
        @Override
        public ListenAddress.Tcp convert(String text) {
            boolean hasPort = text.matches("(\\[.*]|[^:]*):[^:]*");
            String whole = hasPort ? text : text + ":" + Watching.HTTP_PORT_DEFAULT;
            if (Converters.convert(ListenAddress::parse, whole) instanceof ListenAddress.Tcp tcp) {
                return tcp;
            }
            throw new TypeConversionException("HTTP is served at HOST:PORT, and not at " + text);
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

    /** What becomes of volumes that were left unclean. */
    static final class UncleanPolicyByName implements ITypeConverter<UncleanPolicy> {
        @Override
        public UncleanPolicy convert(String text) {
            return byName(UncleanPolicy.values(), text);
        }
    }

    /** Yes or no. */
    static final class OnOff implements ITypeConverter<Boolean> {
        @Override
        public Boolean convert(String text) {
            return switch (text.toLowerCase(Locale.ROOT)) {
                case "on" -> true;
                case "off" -> false;
                default -> throw new TypeConversionException("\"" + text + "\" is none of: on, off");
            };
        }
    }

    /** When TLS is used. */
    static final class TlsModeByName implements ITypeConverter<AccessOptions.TlsMode> {
        @Override
        public AccessOptions.TlsMode convert(String text) {
            return byName(AccessOptions.TlsMode.values(), text);
        }
    }

    /** A client that may come in, as [VOLUME=]NAME. */
    static final class GrantByName implements ITypeConverter<Access.Grant> {
        @Override
        public Access.Grant convert(String text) {
            return Converters.convert(Access.Grant::parse, text);
        }
    }

    /** Addresses of clients. */
    static final class Range implements ITypeConverter<AddressRange> {
        @Override
        public AddressRange convert(String text) {
            return Converters.convert(AddressRange::parse, text);
        }
    }

    /** How much is logged. */
    static final class LogLevelByName implements ITypeConverter<LogLevel> {
        @Override
        public LogLevel convert(String text) {
            return byName(LogLevel.values(), text);
        }
    }

    /** What a line of the log is. */
    static final class LogFormatByName implements ITypeConverter<LogFormat> {
        @Override
        public LogFormat convert(String text) {
            return byName(LogFormat.values(), text);
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
                        + UnixSockets.bytes(unix.path()) + ": use a shorter one");
            }
            return address;
        }
    }
}
