package io.fdbnbd.server;

import java.net.InetAddress;
import java.net.UnknownHostException;
import java.util.Arrays;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * Addresses that begin with the same bits, as {@code 10.0.0.0/8}, {@code 2001:db8::/32}, or one address alone.
 *
 * <p>An IPv4 address that comes mapped into IPv6 ({@code ::ffff:10.0.0.1}) is that IPv4 address: Java undoes the mapping
 * of both what is parsed and what has connected.
 *
 * @param bits how many are compared, from the first on
 */
public record AddressRange(InetAddress first, int bits) {
    private static final Pattern IPV4 = Pattern.compile("[0-9]{1,3}(\\.[0-9]{1,3}){3}");
    private static final int MAPPED_BITS = 96;

    /**
     * Reads a range as it is written above. Names of hosts are none: nobody is asked for their addresses.
     *
     * @throws IllegalArgumentException if it is none; the message says what is accepted, for the user
     */
    public static AddressRange parse(String text) {
        int slash = text.indexOf('/');
        String host = slash < 0 ? text : text.substring(0, slash);
        try {
            boolean six = host.indexOf(':') >= 0 && host.indexOf('%') < 0;
            if (six || IPV4.matcher(host).matches()) {
                InetAddress address = InetAddress.getByName(host); // a literal is not looked up
                int written = six ? 8 * 16 : 8 * 4;
                int bits = slash < 0 ? written : Integer.parseInt(text.substring(slash + 1));
                int mapped = six && address.getAddress().length == 4 ? MAPPED_BITS : 0;
                if (bits >= mapped && bits <= written) {
                    return new AddressRange(address, bits - mapped);
                }
            }
        } catch (UnknownHostException | NumberFormatException e) {
            throw notARange(text, e);
        }
        throw notARange(text, null);
    }

    private static IllegalArgumentException notARange(String text, @Nullable Exception cause) {
        return new IllegalArgumentException(
                "\"" + text + "\" is no range of addresses: write it like 10.0.0.0/8, 2001:db8::/32 or 192.0.2.1",
                cause);
    }

    boolean contains(InetAddress address) {
        byte[] ours = first.getAddress();
        byte[] theirs = address.getAddress();
        int whole = bits / 8;
        if (ours.length != theirs.length || !Arrays.equals(ours, 0, whole, theirs, 0, whole)) {
            return false;
        }
        int rest = bits % 8;
        return rest == 0 || ((ours[whole] ^ theirs[whole]) & 0xff) >> (8 - rest) == 0;
    }
}
