uniform sampler2D plane_y;
uniform sampler2D plane_u;
uniform sampler2D plane_v;
uniform vec2 chroma_scale; // below 1 where an odd width or height leaves half a chroma sample over
uniform mat3 to_rgb;
uniform vec3 offset;
uniform vec3 background;
uniform float fade;
uniform bool bgra; // plane_y holds B, G, R, A instead of Y
in vec2 uv;
out vec4 colour;

void main()
{
    vec2 at = uv * chroma_scale;
    vec4 first = texture(plane_y, uv);
    vec3 yuv = vec3(first.r, texture(plane_u, at).r, texture(plane_v, at).r) - offset;
    vec3 rgb = bgra ? first.bgr : clamp(to_rgb * yuv, 0.0, 1.0);
    colour = vec4(mix(background, rgb, fade), 1.0);
}
