package io.fdbnbd.store;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import io.fdbnbd.store.StoreException.Kind;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;

/** A fresh store for every test, and the short ways to use it. */
public abstract class StoreFixture {
    /** Set before every test, closed after it. Starts empty. */
    @SuppressWarnings("NullAway.Init")
    protected Store store;

    /** Opens a store that holds nothing. */
    protected abstract Store openEmpty() throws Exception;

    @BeforeEach
    void openStore() throws Exception {
        store = openEmpty();
    }

    @AfterEach
    void closeStore() throws Exception {
        store.close();
    }

    protected interface Call {
        void run() throws Exception;
    }

    protected static StoreException assertFails(Kind kind, Call call) {
        StoreException failure = assertThrows(StoreException.class, call::run);
        assertEquals(kind, failure.kind(), failure.getMessage());
        return failure;
    }

    protected @Nullable String get(String key) throws StoreException {
        byte[] value = store.get(Bytes.of(key));
        return value == null ? null : Bytes.text(value);
    }

    protected void set(String key, String value) throws StoreException {
        store.commit(new Batch().set(Bytes.of(key), Bytes.of(value)));
    }

    protected void setAll(String... keys) throws StoreException {
        Batch batch = new Batch();
        for (String key : keys) {
            batch.set(Bytes.of(key), Bytes.of("v"));
        }
        store.commit(batch);
    }

    protected List<String> read(@Nullable Guard guard, KeyRange... ranges) throws StoreException {
        List<String> rows = new ArrayList<>();
        store.read(guard, List.of(ranges), collectInto(rows));
        return rows;
    }

    protected static RowVisitor collectInto(List<String> rows) {
        return (key, value) -> rows.add(Bytes.text(key) + "=" + Bytes.text(value));
    }

    protected static KeyRange range(String begin, String end, int rowsMax) {
        return new KeyRange(Bytes.of(begin), Bytes.of(end), rowsMax);
    }

    protected static void awaitUnchecked(CountDownLatch latch) {
        try {
            latch.await();
        } catch (InterruptedException e) {
            throw new AssertionError(e);
        }
    }
}
