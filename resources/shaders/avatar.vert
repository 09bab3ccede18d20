// One triangle that covers the viewport; the viewport is the rectangle where the picture lies.
uniform mat2 turn;
out vec2 uv;

void main()
{
    vec2 corner = vec2(float((gl_VertexID << 1) & 2), float(gl_VertexID & 2));
    vec2 centred = vec2(corner.x, 1.0 - corner.y) - 0.5;
    uv = turn * centred + 0.5;
    gl_Position = vec4(corner * 2.0 - 1.0, 0.0, 1.0);
}
