package io.fdbnbd;

import com.sun.source.tree.CompilationUnitTree;
import com.sun.source.tree.LineMap;
import com.sun.source.tree.MemberSelectTree;
import com.sun.source.tree.MethodTree;
import com.sun.source.tree.SynchronizedTree;
import com.sun.source.tree.Tree;
import com.sun.source.util.JavacTask;
import com.sun.source.util.SourcePositions;
import com.sun.source.util.TreeScanner;
import com.sun.source.util.Trees;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URI;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.regex.Pattern;
import javax.lang.model.element.Modifier;
import javax.tools.JavaFileObject;
import javax.tools.SimpleJavaFileObject;
import javax.tools.ToolProvider;
import org.jspecify.annotations.Nullable;

/**
 * Looks at one source file, parsed by the JDK's own compiler: what stands in a string or a comment is not mistaken for
 * code, and a method is exactly as long as it is.
 */
final class TidyRules extends TreeScanner<@Nullable Void, @Nullable Void> {
    static final int METHOD_LINES_MAX = 70;
    static final int FILE_LINES_MAX = 500;
    private static final Pattern OPEN_END = Pattern.compile("\\b(TO" + "DO|FIX" + "ME)\\b");

    private record Complaint(long line, String text) {}

    private final CompilationUnitTree unit;
    private final LineMap lines;
    private final SourcePositions positions;
    private final boolean mayPrint;
    private final List<Complaint> complaints = new ArrayList<>();

    private TidyRules(CompilationUnitTree unit, SourcePositions positions, boolean mayPrint) {
        this.unit = unit;
        this.lines = unit.getLineMap();
        this.positions = positions;
        this.mayPrint = mayPrint;
    }

    /** Returns the complaints as {@code :line: text}, in the order of the lines. */
    static List<String> check(Path name, String source, boolean isMain) {
        SimpleJavaFileObject file =
                new SimpleJavaFileObject(URI.create("string:///" + name), JavaFileObject.Kind.SOURCE) {
                    @Override
                    public CharSequence getCharContent(boolean ignoreEncodingErrors) {
                        return source;
                    }
                };
        JavacTask task = (JavacTask) ToolProvider.getSystemJavaCompiler()
                .getTask(null, null, null, List.of("-proc:none"), null, List.of(file));
        try {
            CompilationUnitTree unit = task.parse().iterator().next();
            boolean mayPrint = !isMain || name.startsWith("io/fdbnbd/cli");
            TidyRules rules = new TidyRules(unit, Trees.instance(task).getSourcePositions(), mayPrint);
            rules.scan(unit, null);
            rules.checkText(source);
            return rules.complaints.stream()
                    .sorted(Comparator.comparingLong(Complaint::line))
                    .map(complaint -> ":" + complaint.line() + ": " + complaint.text())
                    .toList();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private void checkText(String source) {
        List<String> text = source.lines().toList();
        if (text.size() > FILE_LINES_MAX) {
            complaints.add(
                    new Complaint(1, "the file has " + text.size() + " lines, " + FILE_LINES_MAX + " are allowed"));
        }
        for (int i = 0; i < text.size(); i++) {
            if (OPEN_END.matcher(text.get(i)).find()) {
                complaints.add(new Complaint(i + 1, "an open end: finish it, or write an issue"));
            }
        }
    }

    @Override
    public @Nullable Void visitMethod(MethodTree method, @Nullable Void unused) {
        long first = lineOf(method);
        long size = lines.getLineNumber(positions.getEndPosition(unit, method)) - first + 1;
        if (size > METHOD_LINES_MAX) {
            complaints.add(new Complaint(
                    first, method.getName() + " has " + size + " lines, " + METHOD_LINES_MAX + " are allowed"));
        }
        if (method.getModifiers().getFlags().contains(Modifier.SYNCHRONIZED)) {
            complainOfSynchronized(method);
        }
        return super.visitMethod(method, null);
    }

    @Override
    public @Nullable Void visitSynchronized(SynchronizedTree block, @Nullable Void unused) {
        complainOfSynchronized(block);
        return super.visitSynchronized(block, null);
    }

    @Override
    public @Nullable Void visitMemberSelect(MemberSelectTree select, @Nullable Void unused) {
        String text = select.toString();
        if (text.matches("(.*\\.)?(Thread|TimeUnit\\.\\w+)\\.sleep")) {
            complaints.add(new Complaint(lineOf(select), "no sleeping: wait for the event, or turn a Ticker"));
        }
        if (!mayPrint && text.matches("(java\\.lang\\.)?System\\.(out|err)")) {
            complaints.add(new Complaint(lineOf(select), "standard output belongs to cli: log with tinylog"));
        }
        return super.visitMemberSelect(select, null);
    }

    private void complainOfSynchronized(Tree tree) {
        complaints.add(new Complaint(lineOf(tree), "synchronized pins virtual threads on JDK 21: use a ReentrantLock"));
    }

    private long lineOf(Tree tree) {
        return lines.getLineNumber(positions.getStartPosition(unit, tree));
    }
}
