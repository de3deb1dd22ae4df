package io.fdbnbd.volume;

import io.fdbnbd.store.Store;

/** In memory that several servers share. */
class MemoryUncleanTest extends UncleanContract {
    private final WatchedStore store = closer.register(new WatchedStore().share());

    @Override
    Store openStore() {
        return store;
    }
}
