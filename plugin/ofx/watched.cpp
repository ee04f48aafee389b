#include "watched.hpp"

#include <atomic>
#include <chrono>
#include <future>

namespace kinescore::ofx {

void run_watched(const std::function<void(const bridge::Progress &)> &work, const std::function<bool(double done)> &show) {
    std::atomic<double> done{0.0};
    std::atomic<bool> go_on{true};
    std::future<void> running = std::async(std::launch::async, [&] {
        work([&](double share) {
            done = share;
            return go_on.load();
        });
    });
    while (running.wait_for(std::chrono::milliseconds(33)) != std::future_status::ready) {
        if (!show(done)) {
            go_on = false;
        }
    }
    running.get();
}

} // namespace kinescore::ofx
