"""What a function gives back is the caller's own: no input, and no array twice."""

from __future__ import annotations

import numpy as np
import pytest

import derive


@pytest.mark.parametrize("formula", ["x**2/2", "exp(x)"])
def test_results_share_no_memory(tmp_path, formula):
    path = tmp_path / "plain.toml"
    path.write_text(f'name = "plain"\nloss = "{formula}"\n[variables]\nx = "real"\n')
    module = derive.compile(derive.load(str(path)), "numpy")
    x = np.array([-1.5, 0.0, 2.0])
    value, slope = module.value_and_grad(x)
    arrays = [x, value, slope, module.loss(x), module.d_x(x)]
    for place, one in enumerate(arrays):
        assert not any(np.shares_memory(one, other) for other in arrays[:place])
