/*
 * Pictures of the host: handed through untouched, and given to the core as frames.
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

/// A picture that the host has lent, given back in the end.
class Picture {
public:
    /// What the clip shows at a time; none where the host has nothing there.
    static std::optional<Picture> fetch(const Suites &suites, OfxImageClipHandle clip, double time);

    Picture(Picture &&other) noexcept;
    Picture &operator=(Picture &&) = delete;
    ~Picture();

    const OfxRectI &bounds() const noexcept { return bounds_; }

    /// Copies what lies within `window` from a picture of the same form; what that one does not
    /// have becomes 0 (black, transparent). False where the forms differ.
    bool copy(const Picture &from, const OfxRectI &window) const;

    /// The same as 0 only.
    void clear(const OfxRectI &window) const;

    /// As a frame of the core, upright. Half floats are written to `converted`, which has to
    /// outlive the frame. Throws Problem (input) for pictures that the core cannot look at; `name`
    /// is what they are called then.
    kinescore_frame frame(double time, const std::string &name, std::vector<float> &converted) const;

private:
    Picture(const Suites &suites, OfxPropertySetHandle image);

    /// The first pixel of the window in a row.
    std::byte *at(int x, int y) const noexcept;

    const Suites *suites_;
    OfxPropertySetHandle image_;
    std::byte *data_ = nullptr; ///< The pixel at the lower left, of the row with the least y.
    OfxRectI bounds_{0, 0, 0, 0};
    std::ptrdiff_t row_bytes_ = 0; ///< To the row above; below 0 where rows are stored from the top down.
    std::string components_;
    std::string depth_;
    std::size_t pixel_bytes_ = 0; ///< 0: of a form that is not known.
};

} // namespace kinescore::ofx

#endif
