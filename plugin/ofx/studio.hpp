/*
 * What all instances of the plugin in a host share: the host, the core, and who is making a
 * soundtrack.
 */
#ifndef KINESCORE_OFX_STUDIO_HPP
#define KINESCORE_OFX_STUDIO_HPP

#include "core.hpp"
#include "host.hpp"

#include <atomic>
#include <memory>
#include <string>

namespace kinescore::ofx {

class Studio {
public:
    /// `host` outlives the studio. Opens nothing but the host's suites.
    explicit Studio(const OfxHost &host);

    /// False where the host lacks a suite that no plugin can do without.
    bool usable() const noexcept { return usable_; }

    const Suites &suites() const noexcept { return suites_; }

    /// Whether the host runs without anybody to press a button.
    bool in_background() const;

    /// The core, which opens its library when it is first used. Throws Problem (core) where it is
    /// not known which.
    bridge::Core &core();

    /// Looks for the library again the next time: this one cannot be used.
    void forget_core() { core_.reset(); }

    /// The right to make a soundtrack: one at a time, and none while another is being made, since a
    /// progress bar lets a host call us again.
    class Claim {
    public:
        explicit Claim(Studio &studio) : studio_(studio), held_(!studio.busy_.exchange(true)) {}
        ~Claim() {
            if (held_) {
                studio_.busy_ = false;
            }
        }
        Claim(const Claim &) = delete;
        Claim &operator=(const Claim &) = delete;

        explicit operator bool() const noexcept { return held_; }

    private:
        Studio &studio_;
        bool held_;
    };

private:
    const OfxHost &host_;
    Suites suites_;
    bool usable_;
    std::atomic<bool> busy_{false};
    std::unique_ptr<bridge::Core> core_;
};

} // namespace kinescore::ofx

#endif
