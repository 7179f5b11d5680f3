"""A shape of servers with the ops endpoint."""
import pytest
from support.ops import OPS


@pytest.fixture
def ops_shape(make_shape):
    return make_shape(env=OPS)
