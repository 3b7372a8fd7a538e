from typing import Any

import torch


def _sign(value: Any) -> Any:
    """The sign; NaN for NaN."""
    return torch.where(torch.isnan(value), value, torch.sign(value))
