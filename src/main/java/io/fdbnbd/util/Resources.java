package io.fdbnbd.util;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.Properties;

/** Texts that this build carries along. */
public final class Resources {
    private static final String UPLOT = "/META-INF/resources/webjars/uplot/";
    private static final String UPLOT_PROPERTIES = "/META-INF/maven/org.webjars.npm/uplot/pom.properties";

    private Resources() {}

    /** The text of a file beside a class, or anywhere, as {@link Class#getResource} finds it. */
    public static String text(Class<?> from, String name) {
        try (InputStream in = open(from, name)) {
            return new String(in.readAllBytes(), StandardCharsets.UTF_8);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** What the scripts of pages with charts share; before them. */
    public static String charts() {
        return text(Resources.class, "charts.js");
    }

    /** A file of uPlot, which draws the charts of pages. */
    public static String uplot(String name) {
        try (InputStream in = open(Resources.class, UPLOT_PROPERTIES)) {
            Properties properties = new Properties();
            properties.load(in);
            return text(Resources.class, UPLOT + properties.getProperty("version", "") + "/" + name);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static InputStream open(Class<?> from, String name) {
        InputStream in = from.getResourceAsStream(name);
        if (in == null) {
            throw new IllegalStateException("this build lacks " + name);
        }
        return in;
    }
}
