package io.fdbnbd.cli;

import java.io.IOException;
import java.io.PrintWriter;
import java.util.List;
import java.util.concurrent.Callable;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Spec;

/**
 * One of the {@code volume} commands. It is called where the user is, and performed where the volumes are: here, or,
 * rebuilt from its {@link #request}, in the server that has the store.
 */
abstract class VolumeAction implements Callable<Integer> {
    private final Reach reach;

    @Spec
    private CommandSpec spec;

    VolumeAction(Reach reach) {
        this.reach = reach;
    }

    @Override
    public Integer call() throws IOException {
        return reach.perform(this);
    }

    /** The arguments after {@code volume} that mean this very action. */
    abstract List<String> request();

    /** Does it, and prints what came of it to {@link #out}. */
    abstract void perform(Administration volumes) throws IOException;

    /**
     * Takes what the server answered to {@link #request}.
     *
     * @return whether to ask again, with what {@link #request} is by then
     */
    boolean take(ControlMessages.Answer answer) throws IOException {
        out().print(answer.out());
        out().flush();
        err().print(answer.err());
        err().flush();
        return false;
    }

    /** Whether this makes sense where there is no store yet, by making one. */
    boolean createsStore() {
        return false;
    }

    CommandSpec spec() {
        return spec;
    }

    PrintWriter out() {
        return spec.commandLine().getOut();
    }

    PrintWriter err() {
        return spec.commandLine().getErr();
    }
}
