package io.fdbnbd.cli;

import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.CharBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;

/**
 * What goes over the control socket, big-endian. A request is version(1), count(1), then for each argument length(4)
 * and UTF-8; an answer is version(1), exit code(1), then standard output and standard error, each length(4) and UTF-8.
 * One of each a connection.
 */
final class ControlMessages {
    static final int VERSION = 1;

    static final int ARGUMENTS_MAX = 16;
    static final int ARGUMENT_BYTES_MAX = 4096;
    static final int OUTPUT_BYTES_MAX = 64 << 20;

    /** What the server says to a request; the program that asked prints it as its own. */
    record Answer(int exitCode, String out, String err) {}

    /** The other side speaks another version, or none of this. */
    static final class ForeignException extends IOException {
        private static final long serialVersionUID = 1L;

        ForeignException(String message) {
            super(message);
        }
    }

    private ControlMessages() {}

    /** @throws IllegalArgumentException if the arguments are not fit to be sent; the message is for the user */
    static byte[][] encode(List<String> arguments) {
        byte[][] encoded = new byte[arguments.size()][];
        if (encoded.length > ARGUMENTS_MAX) {
            throw new IllegalArgumentException("there are more than " + ARGUMENTS_MAX + " arguments");
        }
        for (int i = 0; i < encoded.length; i++) {
            encoded[i] = utf8(arguments.get(i));
            if (encoded[i].length > ARGUMENT_BYTES_MAX) {
                throw new IllegalArgumentException(
                        "an argument has more than " + ARGUMENT_BYTES_MAX + " bytes: no name is that long");
            }
        }
        return encoded;
    }

    private static byte[] utf8(String text) {
        try {
            ByteBuffer encoded = StandardCharsets.UTF_8.newEncoder().encode(CharBuffer.wrap(text));
            byte[] bytes = new byte[encoded.remaining()];
            encoded.get(bytes);
            return bytes;
        } catch (CharacterCodingException e) {
            throw new IllegalArgumentException("an argument is not valid Unicode", e);
        }
    }

    static void writeRequest(DataOutputStream out, byte[][] arguments) throws IOException {
        out.writeByte(VERSION);
        out.writeByte(arguments.length);
        for (byte[] argument : arguments) {
            out.writeInt(argument.length);
            out.write(argument);
        }
        out.flush();
    }

    static List<String> readRequest(DataInputStream in) throws IOException {
        checkVersion(in.readUnsignedByte());
        int count = in.readUnsignedByte();
        if (count > ARGUMENTS_MAX) {
            throw new ForeignException("a request has " + count + " arguments");
        }
        List<String> arguments = new ArrayList<>(count);
        for (int i = 0; i < count; i++) {
            arguments.add(readText(in, ARGUMENT_BYTES_MAX));
        }
        return arguments;
    }

    static void writeAnswer(DataOutputStream out, Answer answer) throws IOException {
        byte[] output = answer.out().getBytes(StandardCharsets.UTF_8);
        if (output.length > OUTPUT_BYTES_MAX) {
            String tooLong = "the answer has more than " + OUTPUT_BYTES_MAX
                    + " bytes: stop the server and ask again, or ask for one volume";
            writeAnswer(out, new Answer(Main.EXIT_FAILED, "", "fdb-nbd: " + tooLong + System.lineSeparator()));
            return;
        }
        byte[] errors = answer.err().getBytes(StandardCharsets.UTF_8);
        out.writeByte(VERSION);
        out.writeByte(answer.exitCode());
        out.writeInt(output.length);
        out.write(output);
        out.writeInt(errors.length);
        out.write(errors);
        out.flush();
    }

    static Answer readAnswer(DataInputStream in) throws IOException {
        checkVersion(in.readUnsignedByte());
        int exitCode = in.readUnsignedByte();
        String out = readText(in, OUTPUT_BYTES_MAX);
        return new Answer(exitCode, out, readText(in, OUTPUT_BYTES_MAX));
    }

    private static void checkVersion(int version) throws ForeignException {
        if (version != VERSION) {
            throw new ForeignException("the other side has version " + version + " of the control socket, not "
                    + VERSION + ": use the fdb-nbd that the server is");
        }
    }

    private static String readText(DataInputStream in, int bytesMax) throws IOException {
        int length = in.readInt();
        if (length < 0 || length > bytesMax) {
            throw new ForeignException("a text has " + Integer.toUnsignedString(length) + " bytes");
        }
        byte[] bytes = in.readNBytes(length);
        if (bytes.length < length) {
            throw new ForeignException("a message ends too early");
        }
        return new String(bytes, StandardCharsets.UTF_8);
    }
}
