/*
 * State shared by all instances of the plugin in a host: the host, the core, and which instance is
 * making a soundtrack.
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
    /// `host` must outlive the studio. Opens only the host's suites.
    explicit Studio(const OfxHost &host);

    /// False if the host lacks a suite that every plugin needs.
    bool usable() const noexcept { return usable_; }

    const Suites &suites() const noexcept { return suites_; }

    /// Whether the host runs without a user who could press a button.
    bool in_background() const;

    /// The core, which opens its library at the first use. Throws Problem (core) if its place is
    /// not known.
    bridge::Core &core();

    /// Searches for the library again the next time: this one cannot be used.
    void forget_core() { core_.reset(); }

    /// The right to make a soundtrack. Only one exists at a time, since a host may call the plugin
    /// again from within a progress bar.
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
