package io.fdbnbd.cli;

import io.fdbnbd.util.Printable;
import io.fdbnbd.volume.Scrub;
import io.fdbnbd.volume.Scrub.Damage;
import java.io.IOException;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * A part of a verification as text, for the way from the server to the command: the volume's size, where the next part
 * begins ("-": nowhere), its offset, blocks, stored bytes and damages, a line; then a line for each damage that is named:
 * offset, a space, and what it is.
 */
record VerifyPart(long sizeBytes, Scrub.Part part) {

    private static final String NOWHERE = "-";
    private static final int HEAD_LINES = 6;

    String write() {
        byte @Nullable [] next = part.next();
        StringBuilder out = new StringBuilder();
        out.append(sizeBytes).append('\n');
        out.append(next == null ? NOWHERE : HexFormat.of().formatHex(next)).append('\n');
        out.append(part.nextOffset()).append('\n');
        out.append(part.blocks()).append('\n');
        out.append(part.storedBytes()).append('\n');
        out.append(part.damagedCount()).append('\n');
        for (Damage damage : part.damages()) {
            out.append(damage.offset())
                    .append(' ')
                    .append(Printable.of(damage.what()))
                    .append('\n');
        }
        return out.toString();
    }

    /** @throws IOException if that is not what {@link #write} writes */
    static VerifyPart read(String text) throws IOException {
        List<String> lines = text.lines().toList();
        try {
            List<Damage> damages = new ArrayList<>();
            for (String line : lines.subList(HEAD_LINES, lines.size())) {
                int space = line.indexOf(' ');
                damages.add(new Damage(Long.parseLong(line.substring(0, space)), line.substring(space + 1)));
            }
            String next = lines.get(1);
            return new VerifyPart(
                    Long.parseLong(lines.get(0)),
                    new Scrub.Part(
                            next.equals(NOWHERE) ? null : HexFormat.of().parseHex(next),
                            Long.parseLong(lines.get(2)),
                            Long.parseLong(lines.get(3)),
                            Long.parseLong(lines.get(4)),
                            Long.parseLong(lines.get(5)),
                            damages));
        } catch (RuntimeException e) {
            throw new IOException("the server's answer is not understood: use the fdb-nbd that the server is", e);
        }
    }
}
