package io.fdbnbd.cli;

/** What a line of the log is. */
enum LogFormat {
    TEXT,
    /** One object a line. */
    JSON
}
