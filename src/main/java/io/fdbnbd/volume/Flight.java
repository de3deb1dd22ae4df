package io.fdbnbd.volume;

import io.fdbnbd.store.Batch;
import java.util.List;

/** A transaction and what of the write buffer is in it. The batch's guard is given at each attempt. */
record Flight(Batch batch, List<DirtyClear> clears, List<DirtyBlock> blocks) {}
