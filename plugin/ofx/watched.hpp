/*
 * Work in a thread of its own, with progress shown on the host's: hosts' progress bars are for the
 * thread of the action alone.
 */
#ifndef KINESCORE_OFX_WATCHED_HPP
#define KINESCORE_OFX_WATCHED_HPP

#include "maker.hpp"

#include <functional>

namespace kinescore::ofx {

/// Runs `work` in another thread until it is done, and calls `show` on this one about thirty times
/// a second with the share that is done; when that returns false the work is cancelled. What `work`
/// throws is thrown here.
void run_watched(const std::function<void(const bridge::Progress &)> &work, const std::function<bool(double done)> &show);

} // namespace kinescore::ofx

#endif
