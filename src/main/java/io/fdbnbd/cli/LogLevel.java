package io.fdbnbd.cli;

/** What of the log is written, from the least to the most. */
enum LogLevel {
    OFF,
    ERROR,
    WARN,
    INFO,
    DEBUG,
    TRACE
}
