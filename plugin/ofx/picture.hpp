/*
 * Pictures of the host: passed through unchanged, and given to the core as frames.
 */
#ifndef KINESCORE_OFX_PICTURE_HPP
#define KINESCORE_OFX_PICTURE_HPP

#include "../../include/kinescore.h"
#include "host.hpp"

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

namespace kinescore::ofx {

/// A picture borrowed from the host, returned at the end.
class Picture {
public:
    /// The clip's picture at a time; none if the host has nothing there.
    static std::optional<Picture> fetch(const Suites &suites, OfxImageClipHandle clip, double time);

    Picture(Picture &&other) noexcept;
    Picture &operator=(Picture &&) = delete;
    ~Picture();

    const OfxRectI &bounds() const noexcept { return bounds_; }

    /// Copies the part within `window` from a picture of the same form; areas that it lacks become
    /// 0 (black, transparent). Returns false if the forms differ.
    bool copy(const Picture &from, const OfxRectI &window) const;

    /// Sets the window to 0.
    void clear(const OfxRectI &window) const;

    /// Converts to a frame of the core, upright. Half floats are written to `converted`, which must
    /// outlive the frame. Throws Problem (input) for pictures that the core cannot read; `name`
    /// identifies them in the message.
    kinescore_frame frame(double time, const std::string &name, std::vector<float> &converted) const;

private:
    Picture(const Suites &suites, OfxPropertySetHandle image);

    /// The first pixel of the window in a row.
    std::byte *at(int x, int y) const noexcept;

    const Suites *suites_;
    OfxPropertySetHandle image_;
    std::byte *data_ = nullptr; ///< The lower left pixel, in the row with the least y.
    OfxRectI bounds_{0, 0, 0, 0};
    std::ptrdiff_t row_bytes_ = 0; ///< To the row above; below 0 where rows are stored from the top down.
    std::string components_;
    std::string depth_;
    std::size_t pixel_bytes_ = 0; ///< 0: of an unknown form.
};

} // namespace kinescore::ofx

#endif
