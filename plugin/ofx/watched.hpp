/*
 * Runs work in a separate thread, with progress shown on the host's: hosts' progress bars may only
 * be used by the thread of the action.
 */
#ifndef KINESCORE_OFX_WATCHED_HPP
#define KINESCORE_OFX_WATCHED_HPP

#include "maker.hpp"

#include <functional>

namespace kinescore::ofx {

/// Runs `work` in another thread until it is done, and calls `show` on this one about thirty times
/// a second with the share that is done; if that returns false the work is cancelled. An exception
/// of `work` is thrown again here.
void run_watched(const std::function<void(const bridge::Progress &)> &work, const std::function<bool(double done)> &show);

} // namespace kinescore::ofx

#endif
