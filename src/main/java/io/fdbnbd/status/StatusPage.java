package io.fdbnbd.status;

import io.fdbnbd.util.Resources;

/** The page that shows the status document, and draws what comes of it while one watches. Needs nothing but its server. */
final class StatusPage {
    private StatusPage() {}

    static String html() {
        return Resources.text(StatusPage.class, "status.html");
    }

    static String style() {
        return Resources.uplot("dist/uPlot.min.css") + "\n" + Resources.text(StatusPage.class, "status.css");
    }

    static String script() {
        return "/* uPlot:\n" + Resources.uplot("LICENSE") + "*/\n" + Resources.uplot("dist/uPlot.iife.min.js") + "\n"
                + Resources.charts() + "\n" + Resources.text(StatusPage.class, "status.js");
    }
}
