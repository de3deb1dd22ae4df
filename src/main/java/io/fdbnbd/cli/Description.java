package io.fdbnbd.cli;

import io.fdbnbd.util.Printable;
import io.fdbnbd.util.Sizes;
import io.fdbnbd.volume.VolumeInfo;
import io.fdbnbd.volume.VolumeList;
import io.fdbnbd.volume.VolumeStatus;
import java.io.IOException;
import java.time.Instant;
import java.time.ZoneId;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.OptionalInt;
import org.jspecify.annotations.Nullable;

/** A volume as it is shown. */
final class Description {
    static final List<String> COLUMNS = List.of("NAME", "SIZE", "BLOCK", "COMPRESSION", "ATTACHED", "CREATED");

    private static final DateTimeFormatter FOR_PEOPLE = DateTimeFormatter.ofPattern("yyyy-MM-dd HH:mm", Locale.ROOT);
    private static final DateTimeFormatter FOR_PROGRAMS =
            DateTimeFormatter.ofPattern("yyyy-MM-dd'T'HH:mm:ss.SSS'Z'", Locale.ROOT);
    private static final String UNKNOWN = "-";

    private Description() {}

    /** The cells under {@link #COLUMNS}. */
    static List<String> row(VolumeInfo info, Administration volumes) {
        return List.of(
                Printable.of(info.name()),
                Sizes.format(info.sizeBytes()),
                Sizes.format(info.blockBytes()),
                compression(info),
                attached(info, volumes),
                created(info));
    }

    /** As {@link #row(VolumeInfo, Administration)}, of a volume of which only the name is known. */
    static List<String> row(VolumeList.Unreadable bad) {
        return List.of(Printable.of(bad.name()), UNKNOWN, UNKNOWN, UNKNOWN, UNKNOWN, UNKNOWN);
    }

    /** Labels and values, one below the other. */
    static List<List<String>> sheet(VolumeInfo info, Administration volumes) throws IOException {
        VolumeStatus status = volumes.volumes().status(info);
        List<List<String>> sheet = new ArrayList<>(List.of(
                List.of("name", Printable.of(info.name())),
                List.of("size", Sizes.format(info.sizeBytes()) + " (" + info.sizeBytes() + " bytes)"),
                List.of("block size", Sizes.format(info.blockBytes())),
                List.of("compression", compression(info)),
                List.of("created", created(info)),
                List.of("layer", String.valueOf(info.layer()))));
        sheet.add(List.of("attached", volumes.attachedText(status)));
        sheet.add(List.of("state", volumes.cleanText(status)));
        status.failure().ifPresent(failure -> {
            String since = FOR_PEOPLE.format(failure.since().atZone(ZoneId.systemDefault()));
            String what = "takes no writes until it is attached anew: " + Printable.of(failure.reason());
            sheet.add(List.of("failed", "since " + since + ", and " + what));
        });
        List<String> uris = volumes.uris(info);
        for (int i = 0; i < uris.size(); i++) {
            sheet.add(List.of(i == 0 ? "served at" : "", uris.get(i)));
        }
        return sheet;
    }

    static Map<String, @Nullable Object> json(VolumeInfo info, Administration volumes) throws IOException {
        VolumeStatus status = volumes.volumes().status(info);
        OptionalInt attached = volumes.attached(info);
        Map<String, @Nullable Object> json = new LinkedHashMap<>();
        json.put("name", info.name());
        json.put("size_bytes", info.sizeBytes());
        json.put("block_bytes", info.blockBytes());
        json.put("compression", compression(info));
        json.put("created", forPrograms(info.created()));
        json.put("layer", info.layer());
        json.put("attached", attached.isPresent() ? attached.getAsInt() : null);
        json.put("uris", volumes.uris(info));
        json.put("owner", status.owner().orElse(null));
        json.put("marked_by", status.markedBy().orElse(null));
        json.put(
                "failed_since",
                status.failure().map(failure -> forPrograms(failure.since())).orElse(null));
        json.put(
                "failed_because",
                status.failure().map(VolumeStatus.Failure::reason).orElse(null));
        return json;
    }

    static Map<String, @Nullable Object> json(VolumeList.Unreadable bad) {
        Map<String, @Nullable Object> json = new LinkedHashMap<>();
        json.put("name", bad.name());
        json.put("unreadable", bad.cause().getMessage());
        return json;
    }

    private static String forPrograms(Instant instant) {
        return FOR_PROGRAMS.format(instant.atOffset(ZoneOffset.UTC));
    }

    private static String attached(VolumeInfo info, Administration volumes) {
        OptionalInt attached = volumes.attached(info);
        return attached.isPresent() ? String.valueOf(attached.getAsInt()) : UNKNOWN;
    }

    private static String compression(VolumeInfo info) {
        return info.compression().name().toLowerCase(Locale.ROOT);
    }

    private static String created(VolumeInfo info) {
        return FOR_PEOPLE.format(info.created().atZone(ZoneId.systemDefault()));
    }
}
